// A graph is built in one run and found in the next: the server's file outlives its process.
import { createEntities, createRelations, openNodes, searchNodes } from "mcp:memory";

export default async function (input) {
  if (input.build) {
    const entities = ["Ada", "Babbage"].map((name) => ({ name, entityType: "person", observations: [`${name} counts`] }));
    await createEntities({ entities });
    const made = await createRelations({ relations: [{ from: "Ada", to: "Babbage", relationType: "works with" }] });
    return made;
  }
  const found = await searchNodes({ query: "ada" });
  const both = await openNodes({ names: ["Ada", "Babbage"] });
  return { found: found.entities.map((entity) => entity.name), relations: both.relations };
}
