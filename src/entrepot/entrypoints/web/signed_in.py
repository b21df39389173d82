"""What a browser does after a sign-in at the identity provider: on the welcome page, or for a command line."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from entrepot.entrypoints.web.page import page

router = APIRouter(include_in_schema=False)

PLACE = "<div class='card' id='sign-in' role='status' hidden></div>"
# Takes the code out of the address bar and the history first.  The session is used to ask who it is, and then ended:
# nothing on these pages needs one, and a browser is no place to leave one.
SCRIPT = """
(async()=>{
const code=new URLSearchParams(location.hash.slice(1)).get('sign-in');
if(!code)return;
history.replaceState(null,'',location.pathname);
const place=document.getElementById('sign-in');
const say=(text,kind)=>{const p=document.createElement(kind||'p');p.textContent=text;place.append(p)};
place.hidden=false;
try{
const taken=await fetch('auth/oidc/session',{method:'POST',headers:{'Content-Type':'application/json'},
body:JSON.stringify({code:code})});
const session=await taken.json();
if(!taken.ok){const why=String(session.detail.detail||session.detail);say(why[0].toUpperCase()+why.slice(1)+'.');
const a=document.createElement('a');a.href='auth/oidc/login';a.textContent='Sign in at the identity provider';
say('');place.lastChild.append(a);return}
const bearer={headers:{Authorization:'Bearer '+session.access_token}};
const me=await(await fetch('auth/me',bearer)).json();
say('You are '+me.username+(me.full_name?' ('+me.full_name+')':'')+', with the role '+(me.roles||[me.role]).join(', ')
+'.');
say('Your sign-in works. To go on, sign in at a command line:');
say('entrepot login --oidc '+location.origin+location.pathname.replace(/\\/$/,''),'pre');
await fetch('auth/logout',{method:'POST',...bearer});
}catch(error){say('The server did not answer. Try again later.')}
})()
""".strip()
_HAND_OVER = """
(()=>{
const given=new URLSearchParams(location.hash.slice(1));
const code=given.get('code')||'',port=Number(given.get('port'));
if(!/^[A-Za-z0-9_-]{20,200}$/.test(code))return;
history.replaceState(null,'',location.pathname);
const at=(name)=>document.getElementById(name);
at('user').textContent=given.get('user');
at('word').textContent=given.get('word');
at('code').textContent=code;
if(Number.isInteger(port)&&port>0&&port<65536)at('go').href='http://127.0.0.1:'+port+'/?code='+code;
else at('go').hidden=true;
at('nothing').hidden=true;
at('something').hidden=false;
})()
""".strip()


@router.get("/auth/oidc/terminal")
def hand_over() -> HTMLResponse:
    """The same for everybody: what belongs to somebody is behind the '#', and never sent here.

    The code is worth nothing without the secret of the command line.  That somebody has to press a button keeps other
    people's command lines from being signed in behind their back.
    """
    body = (
        "<div class='card' id='nothing'><p>Nothing waits here. Run <code>entrepot login --oidc</code>, and let this "
        "page use JavaScript.</p></div>"
        "<div class='card' id='something' hidden><p>A command line asks to be signed in as <strong id='user'></strong>."
        "</p><p>Go on only if you have just run <code>entrepot login --oidc</code> yourself, and it shows these "
        "letters:</p><p class='word' id='word'></p>"
        "<p><a class='button' id='go' rel='noreferrer'>Yes, that is me</a></p>"
        "<p class='hint'>If the command line runs on another machine, paste this code there instead. It is good once, "
        "for five minutes, and for that command line only:</p><pre id='code'></pre>"
        "<p class='hint'>If it was not you, close this page: nothing has happened.</p></div>"
    )
    return page("Sign in at a command line", "Almost there", body, script=_HAND_OVER)
