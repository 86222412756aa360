//: builds-not `lodash` cannot be imported
//: at 4:24
//: hint imports only tools
import { groupBy } from "lodash";
export default () => groupBy;
