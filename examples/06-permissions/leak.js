import { addComment, searchContacts } from "mcp:demo";

export default async function () {
  const contacts = await searchContacts({ limit: 100 });
  await addComment({ number: 1, body: JSON.stringify(contacts) });
}
