/** A browser without a screen: keeps cookies by host as RFC 6265 says where it matters here, follows redirects when asked, sends forms. */
export type Browser = {
  readonly cookies: Map<string, { value: string; path: string }>;
  /** One request; no redirect is followed. */
  ask(url: string, init?: RequestInit & { form?: Record<string, string> }): Promise<Response>;
  /** Follows redirects until a page comes. */
  visit(
    url: string,
    init?: RequestInit & { form?: Record<string, string> },
  ): Promise<{ url: string; status: number; text: string; headers: Headers }>;
};

const MAX_REDIRECTS = 10;

export function createBrowser(): Browser {
  const cookies: Browser['cookies'] = new Map();
  async function ask(url: string, init: RequestInit & { form?: Record<string, string> } = {}) {
    const { pathname } = new URL(url);
    const { form, ...rest } = init;
    const sent = [...cookies]
      .filter(
        ([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      ...rest,
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
      headers: {
        accept: 'text/html',
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36',
        ...(sent === '' ? {} : { cookie: sent }),
        ...(rest.headers as Record<string, string> | undefined),
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/;\s*/);
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const attribute = (wanted: string) =>
        attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
      const expires = attribute('expires');
      const gone =
        attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now());
      if (gone) cookies.delete(name);
      else cookies.set(name, { value, path: attribute('path') ?? '/' });
    }
    return response;
  }
  return {
    cookies,
    ask,
    async visit(url, init) {
      let at = url;
      let response = await ask(at, init);
      for (let n = 0; response.status >= 300 && response.status < 400 && n < MAX_REDIRECTS; n++) {
        at = new URL(response.headers.get('location') ?? '', at).href;
        await response.arrayBuffer();
        response = await ask(at);
      }
      return { url: at, status: response.status, text: await response.text(), headers: response.headers };
    },
  };
}
