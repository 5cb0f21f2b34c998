"""A script is sent without what only we read, and is the same script."""

from app.core import script


def test_comments_and_white_space_stay_at_home() -> None:
    ours = """/* What it is for: `ticks`, 'quotes'. */
const a = (b, c = 1) => {
  if (b?.d && c) return b; // somebody else's
  return `${b ? c : 2}  //  ${c}`;
};
a({ e: 'f  /* g; } */', h: "i ; // j" });
let k = a + 1 - -a;
"""
    sent = "const a=(b,c=1)=>{if(b?.d&&c)return b;return `${b ? c : 2}  //  ${c}`};"
    sent += """a({e:'f  /* g; } */',h:"i ; // j"});let k=a + 1 - -a;"""
    assert script.squeeze(ours) == sent


def test_what_is_a_script_s_own_is_called_by_a_letter_and_nothing_else_is() -> None:
    ours = """const find = (what) => document.querySelector(what);
let shown, kept = find('kept shown');
function say(text, lines) { return { text, say: `${kept}`, list: [...shown, lines.find, a] }; }
addEventListener('say', ({ detail }) => say(detail, shown?.find));
"""
    sent = "const b=(c)=>document.querySelector(c);let d,kept=b('kept shown');"
    sent += "function say(text,lines){return{text,say:`${kept}`,list:[...d,lines.find,a]}}"
    sent += "addEventListener('say',({detail})=>say(detail,d?.find));"
    assert script.squeeze(ours) == sent
