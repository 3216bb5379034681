/** A drop over a tray, in the accent colour; a data URI, so that no file and no request is needed. */
const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%234353c9'/%3E%3Cpath d='M8 2.5v6M5.2 6 8 8.8 10.800 6M3.500 11.200h9' stroke='white' stroke-width='1.800' fill='none' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

/** The one document of the console. Everything in it comes from its own origin, and no script stands in it. */
export function consolePage(script: string, style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Batchdrop</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="/console/${style}">
<script type="module" src="/console/${script}"></script>
</head>
<body>
<div id="console"></div>
<noscript>The console needs JavaScript. Without it: the command line (batchdrop list), and /docs for the API.</noscript>
</body>
</html>
`;
}
