import json

import pandas as pd

answers = pd.read_json("answers.jsonl", lines=True)
content = answers["response"].map(lambda response: response["body"]["choices"][0]["message"]["content"])
labels = pd.DataFrame(content.map(json.loads).to_list())
labels["id"] = answers["custom_id"].str.removeprefix("review-").astype(int)

reviews = pd.read_csv("reviews.csv").merge(labels, on="id", how="left")
reviews.to_csv("labelled.csv", index=False)
print(reviews)
