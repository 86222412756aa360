//: result {"run":1,"tools":2,"contract":3,"print":4,"show":5,"__witgate":6,"$witgate":7,"encode":8,"main":9,"ok":true}
import { getIssue as bind } from "mcp:demo";
const run = 1, tools = 2, contract = 3, print = 4, show = 5, __witgate = 6, $witgate = 7, encode = 8, main = 9;
let wake, drop, watch, state, then, apply, $witgate_run, __witgate_run, body;
export default async () => ({ run, tools, contract, print, show, __witgate, $witgate, encode, main, ok: (await bind({ number: 1 })).number === 1 });
