/** No image, no font, no script: nothing is fetched. */
export const style = `
:root{color-scheme:light dark;--ground:#fbfbf9;--raised:#fff;--ink:#1c2024;--soft:#5c6670;--line:#dcdfe2;--code:#eef1f3;--link:#0b5cad;
--get:#1a6b45;--post:#8a4b00;--patch:#5b3fa0;--delete:#a3202b}
@media (prefers-color-scheme:dark){:root{--ground:#14171a;--raised:#1b1f23;--ink:#e4e7ea;--soft:#9aa4ae;--line:#30363c;--code:#262b31;--link:#7db8f5;
--get:#6fcf97;--post:#e5a550;--patch:#b39df0;--delete:#f08a92}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;display:grid;grid-template-columns:17rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.25rem 1rem 3rem;border-right:1px solid var(--line);font-size:13px}
nav h2{font-size:11px;letter-spacing:.08em;text-transform:uppercase;color:var(--soft);margin:1.4rem 0 .3rem}
nav ul{list-style:none;margin:0;padding:0}
nav li a{display:block;padding:.15rem .4rem;border-radius:4px;color:inherit;text-decoration:none;overflow-wrap:anywhere}
nav li a:hover{background:var(--code)}
main{padding:1.5rem clamp(1rem,4vw,3.5rem) 6rem;max-width:62rem}
h1{font-size:1.7rem;margin:.2rem 0 .4rem}
section>h2{margin:3.2rem 0 .2rem;padding-top:.6rem;border-top:1px solid var(--line);font-size:1.35rem}
article{margin:1.4rem 0;padding:1rem 1.2rem;background:var(--raised);border:1px solid var(--line);border-radius:8px;scroll-margin-top:1rem}
article:target{border-color:var(--link)}
article h3{margin:0 0 .2rem;font-size:1rem;font-weight:600}
article h4{margin:1rem 0 .2rem;font-size:12px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft)}
p{margin:.35rem 0}a{color:var(--link)}
code,.path,.type{font-family:ui-monospace,"Cascadia Mono","DejaVu Sans Mono",monospace;font-size:13px}
code{background:var(--code);border-radius:3px;padding:0 .25em}
pre{background:var(--code);padding:.6rem .8rem;border-radius:6px;overflow:auto;font-size:13px}pre code{padding:0;background:none}
.path{overflow-wrap:anywhere;color:var(--soft)}
.method{display:inline-block;min-width:4.2rem;font:600 12px ui-monospace,"DejaVu Sans Mono",monospace}
.GET{color:var(--get)}.POST{color:var(--post)}.PATCH,.PUT{color:var(--patch)}.DELETE{color:var(--delete)}
.type{color:var(--soft);overflow-wrap:anywhere}
i{color:var(--soft);font-size:12px}
ul.members,ul.choices{margin:.2rem 0;padding-left:1rem;border-left:2px solid var(--line);list-style:none}
ul.members>li,ul.choices>li{margin:.3rem 0}ul.members p{margin:.05rem 0;color:var(--soft);font-size:14px}
table{border-collapse:collapse;width:100%}td{padding:.3rem .8rem .3rem 0;vertical-align:top;border-bottom:1px solid var(--line)}tr:last-child td{border:0}td p{margin:0}
td:first-child{white-space:nowrap}
details{margin:.3rem 0}summary{cursor:pointer;color:var(--link)}
.status{font-weight:600;margin-right:.5rem}
@media (max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}td:first-child{white-space:normal}}
`;
