import json

import pandas as pd

reviews = pd.read_csv("reviews.csv")
schema = {
    "type": "object",
    "properties": {
        "sentiment": {"type": "string", "enum": ["positive", "negative", "mixed"]},
        "topic": {"type": "string"},
    },
    "required": ["sentiment", "topic"],
    "additionalProperties": False,
}

with open("requests.jsonl", "w", encoding="utf-8") as file:
    for row in reviews.itertuples():
        body = {
            "model": "gpt-5-mini",
            "max_completion_tokens": 2000,
            "messages": [{"role": "user", "content": f"Label this review: {row.review}"}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "label", "strict": True, "schema": schema},
            },
        }
        request = {"custom_id": f"review-{row.id}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        file.write(json.dumps(request, allow_nan=False) + "\n")
