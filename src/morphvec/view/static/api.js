// Questions to the server. Answers are kept, so that going back is instant. keep: answer → whether it will stay the same

const kept = new Map();
const MOST_KEPT = 300;

/** An answer that is no answer: status (0: the server is silent), kind, value, rule, mend, instead. */
export class Refused extends Error {
  constructor(status, error) {
    super(error.value);
    this.kind = "";
    Object.assign(this, { status, instead: [], ...error });
  }
}

export async function ask(name, parameters = {}, { signal, keep = () => true } = {}) {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== "" && value !== undefined) given.set(key, value);
  const address = `/api/${name}?${given}`;
  if (kept.has(address)) return kept.get(address);
  let response;
  let document;
  try {
    response = await fetch(address, { signal, headers: { Accept: "application/json" } });
    document = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, {
      value: "The server does not answer",
      rule: "the page asks the program that opened it",
      mend: "see whether morphvec explore is still running, then try again",
    });
  }
  if (document.error) throw new Refused(response.status, document.error);
  if (keep(document)) {
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value);
    kept.set(address, document);
  }
  return document;
}
