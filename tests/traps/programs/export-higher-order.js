//: input 4
//: result 16
const compose = (...fs) => (x) => fs.reduceRight((acc, f) => f(acc), x);
export default compose((x) => x * x, (x) => x);
