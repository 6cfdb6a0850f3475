/** The package brings no types. */
declare module 'json-logic-js' {
  const jsonLogic: { apply(logic: unknown, data: unknown): unknown };
  // biome-ignore lint/style/noDefaultExport: it is how the package exports it.
  export default jsonLogic;
}
