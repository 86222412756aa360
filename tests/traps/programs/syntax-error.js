//: builds-not syntax-error.js:5:13
//: at 5:13
export default function () {
  // é😀
  const é = ;
}
