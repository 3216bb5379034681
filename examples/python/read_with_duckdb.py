import duckdb

print(
    duckdb.sql("""
        SELECT
            custom_id,
            response.body.choices[1].message.content::JSON ->> 'sentiment' AS sentiment,
            response.body.usage.total_tokens AS tokens
        FROM read_json('answers.jsonl')
        ORDER BY custom_id
    """)
)
