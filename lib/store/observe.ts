/** Wraps an AWS client, for example to trace its calls. Returns the same client or a stand-in for it. */
export type Observe = <Client>(client: Client) => Client;

export function unobserved<Client>(client: Client): Client {
  return client;
}
