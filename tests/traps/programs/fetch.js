//: fails ReferenceError: import a tool
export default async () => (await fetch("https://example.com")).json();
