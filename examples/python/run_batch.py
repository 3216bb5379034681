import os
import time

from openai import OpenAI

client = OpenAI(base_url=os.environ["BATCHDROP_URL"] + "/v1", api_key=os.environ["BATCHDROP_API_KEY"])

with open("requests.jsonl", "rb") as file:
    uploaded = client.files.create(file=file, purpose="batch")
batch = client.batches.create(
    input_file_id=uploaded.id,
    endpoint="/v1/chat/completions",
    completion_window="24h",
    metadata={"team": "search"},
    extra_body={"max_cost_usd": 50},
)
while batch.status in ("validating", "in_progress", "finalizing"):
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)

print(batch.id, batch.status, batch.request_counts)
if batch.output_file_id:
    client.files.content(batch.output_file_id).write_to_file("answers.jsonl")
if batch.error_file_id:
    client.files.content(batch.error_file_id).write_to_file("answers.errors.jsonl")
