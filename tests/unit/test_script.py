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
