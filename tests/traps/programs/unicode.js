//: input {"text":"née 😀 日本 \u202e x"}
//: result {"text":"née 😀 日本 ‮ x","length":13,"points":12,"half":"a�","key�":1,"nul":"\u0000\u2028","kept":"\\ud83d"}
export default ({ text }) => ({ text, length: text.length, points: [...text].length, half: "a" + "😀"[0], ["key" + "😀"[1]]: 1, nul: "\0\u2028", kept: "\\ud83d" });
