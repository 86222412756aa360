//: result "main"
const main = async () => "main";
export default main
