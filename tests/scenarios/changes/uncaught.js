import { become, get } from "mcp:issues";

export default async (to) => {
  await become({ to });
  return get({ id: 1 });
};
