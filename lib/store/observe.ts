/** Wraps an AWS client, to trace its calls say; the answer is the same client or stands for it. */
export type Observe = <Client>(client: Client) => Client;

export function unobserved<Client>(client: Client): Client {
  return client;
}
