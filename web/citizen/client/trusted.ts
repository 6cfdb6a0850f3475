/** The one policy by which text of our own server becomes markup or a script's address (Trusted Types); the pages' CSP names it. */

type Policy = { createHTML(text: string): string; createScriptURL(text: string): string };
type Factory = { createPolicy(name: string, rules: Policy): Policy };

const same = (text: string): string => text;
const rules: Policy = {
  // Pages of this server, whose every value was escaped where it was put in (web/pages/render.ts).
  createHTML: same,
  createScriptURL: (address) => {
    if (address !== '/me/service-worker.js') throw new TypeError('no script of ours');
    return address;
  },
};

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
export const trusted: Policy = factory?.createPolicy('allim', rules) ?? rules;
