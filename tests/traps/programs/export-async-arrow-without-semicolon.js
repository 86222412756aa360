//: input 2
//: result 4
export default async input => input
  * 2
