// Whatever takes a `fetch` can be given this one: frameworks, clients of other makers, or plain code as here.
import { batching } from 'batchdrop/live';

const { fetch } = batching({ run: 'embed-cities', provider: 'openai' });

const cities = ['Rome', 'Lima', 'Hanoi'];
const responses = await Promise.all(
  cities.map((input) =>
    fetch('https://api.openai.com/v1/embeddings', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'text-embedding-3-small', input }),
    }),
  ),
);

for (const [index, response] of responses.entries()) {
  const { data } = JSON.parse(await response.text());
  console.log(cities[index], response.status, data[0].embedding.length);
}
