//: builds-not `lodash` cannot be imported
//: at 4:25
//: hint imports only tools
import { groupBy } from "lodash";
export default () => groupBy;
