//: fails ReferenceError: there are no modules here but tools
//: at 4:14
export default () => {
  const fs = require("fs");
  return fs;
};
