import { createIssue, searchContacts } from "mcp:demo";

export default async function (country) {
  const contacts = await searchContacts({ country, limit: 3 });
  await Promise.all(contacts.map(({ company, email }) =>
    createIssue({ title: `Call ${company}`, labels: ["call"], assignee: email })));
  return {
    companies: contacts.map((contact) => contact.company),
    sealed: contacts.every((contact) => contact.email.startsWith("sealed:email:")),
  };
}
