//: input 10000
//: result true
export default (n) => { const rows = Array.from({ length: n }, (_, i) => ({ i, s: `row ${i}`, f: i / 3, b: true, n: null, a: [1, 2] })); return structuredClone(rows).length === rows.length; };
