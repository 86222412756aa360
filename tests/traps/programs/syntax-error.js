//: builds-not syntax-error.js:5:12
//: at 5:12
export default function () {
  // é😀
  const é = ;
}
