// a comment before everything
/* and another */
//: result [true,true,1]
//: calls 3
"use strict";
const number = async () => (await one({ number: 1 })).number;
import { getIssue as one } from "mcp:demo"
export default async () => [await list({ per_page: 1 }).then((x) => x.length === 1), (await again({ per_page: 1 })).length === 1, await number()];
import {
  listIssues as list, // a comment inside
  list_issues as again,
} from "mcp:demo"; import {} from "mcp:demo";
