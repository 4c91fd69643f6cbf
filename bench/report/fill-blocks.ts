/** Puts what is computed in its places in a document; the rest of it is written by hand. Pure. */

const BLOCK = /<!-- ([\w-]+):begin -->\n[^]*?<!-- \1:end -->/g;

/**
 * @param blocks by the name of the place.
 * @throws Error when the document has a place for something else.
 */
export function fillBlocks(text: string, blocks: Readonly<Record<string, string>>): string {
  return text.replace(BLOCK, (_all, name: string) => {
    const block = blocks[name];
    if (block === undefined) throw new Error(`Nothing is computed for the place ${name}.`);
    return `<!-- ${name}:begin -->\n\n${block}\n\n<!-- ${name}:end -->`;
  });
}
