/** From the selectors of a service to the address it advertises. */
import type { Context } from "./context.ts";
import { parseSelector, type Selector, selectAddress } from "./interfaces.ts";
import type { Path } from "./problems.ts";

/**
 * The address that the selectors choose. Every selector that cannot be read is a problem, as is a choice of none; the
 * address is then empty.
 */
export function chooseAddress(specs: readonly string[], at: Path, context: Context): string {
  const { addresses, addressOf, elsewhere, problems } = context;
  const selectors: Selector[] = [];
  specs.forEach((spec, index) => {
    const selector = parseSelector(spec);
    if (selector) selectors.push(selector);
    else problems.error("bad-interface", [...at, index], { found: spec });
  });
  if (selectors.length < specs.length) return "";
  if (addressOf) return addressOf(selectors);
  const all = selectors[0]?.t === "static" ? [] : addresses();
  const address = selectAddress(selectors, all);
  selectors.forEach((selector, index) => {
    const near = selector.t === "named" && /^[inet]{2,5}[46]?$/.test(specs[index] as string);
    if (near && all.length > 0 && !all.some(({ name }) => name === specs[index])) {
      problems.warn("near-interface", [...at, index], { found: specs[index] });
    }
  });
  if (address === undefined) {
    const facts = { found: specs, about: { addresses: all, elsewhere } };
    if (elsewhere) problems.warn("no-address", at, facts);
    else problems.error("no-address", at, facts);
  }
  return address ?? "";
}
