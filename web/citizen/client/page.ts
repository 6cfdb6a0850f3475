/** What the page says of itself to its script. */

export function metaOf(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="allim-${name}"]`)?.content ?? '';
}

/** A call with the session's own token; rejects where the answer is not good. */
export async function call(method: 'POST' | 'DELETE', path: string, body: object): Promise<unknown> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', 'x-allim-csrf': metaOf('csrf') },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return response.status === 204 ? null : response.json();
}
