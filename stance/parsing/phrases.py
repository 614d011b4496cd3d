"""What pages say around comments, in some fifteen languages, as data for the text-dump parser.

Everything is compared folded: lower case, no accents. A phrase stands here because several sites
or a widespread publishing system use it.
"""

import re
import unicodedata
from functools import lru_cache

# Nouns that head a list of comments ("15 Comments", "Kommentare (3)", "3 Gedanken zu …").
COMMENT_NOUNS = (
    "comment comments kommentar kommentare kommentarer kommentaren commentaire commentaires "
    "comentario comentarios comentário comentários commento commenti reactie reacties komentarz "
    "komentarze komentarzy комментарий комментария комментариев комментарии коментар коментарі "
    "коментарів kommentti kommenttia kommentit yorum yorumlar komentář komentáře komentářů "
    "response responses thought thoughts gedanke gedanken réponse réponses respuesta respuestas "
    "risposta risposte resposta respostas opinion opinions opinión opiniones meinung meinungen "
    "leserkommentare leserkommentar reader feedback feedbacks replies antworten reaktionen "
    "commentary wortmeldungen discussion diskussion hozzászólás hozzászólások comentarii σχόλια "
    "opiniões avis reactions réactions reactions: kommentárok odpowiedzi ответов отзывов"
)
# Those of them that head a list only beside a number: labels of forms, sections of newspapers.
WEAK_NOUNS = (
    "comment kommentar commentaire comentario comentário commento reactie komentarz комментарий "
    "коментар kommentti yorum komentář response thought thoughts gedanke gedanken réponse "
    "réponses respuesta respuestas risposta risposte resposta respostas opinion opinions "
    "opinión opiniones opiniões meinung meinungen feedback feedbacks replies antworten "
    "commentary discussion diskussion reader avis reaction hozzászólás ответов odpowiedzi"
)
# Words that may stand beside such a noun in the heading.
COMMENT_FILLERS = (
    "readers reader's readers' leser leserinnen user users der die zu zum on to for on: sur su "
    "sobre a em en de del di do da no one un una uno ein eine jeden jeden two three all alle "
    "tous todos view show hide rated reader read below or add post there are so far this "
    "article post the from forums top newest oldest best sort by load more le les el los la las "
    "i gli op bij na w do к на recent most pages community add your und and & inline feedbacks"
)
# Lines that begin the form for a new comment: what follows is no comment.
COMMENT_FORMS = (
    "leave a reply", "leave a comment", "leave a response", "leave your comment", "leave comment",
    "leave reply", "post a comment", "post a reply", "post your comment", "post comment",
    "add a comment", "add comment", "add your comment", "add new comment", "write a comment",
    "write a reply", "submit a comment", "submit comment", "send comment", "join the discussion",
    "join the conversation", "join the debate", "speak your mind", "have your say",
    "your comment", "comment on this", "login to comment", "log in to comment",
    "you must be logged in", "you must log in", "please log in", "sign in to comment",
    "comments are closed", "comments closed", "comments have been closed",
    "your email address will not be published", "your e-mail address will not be published",
    "required fields are marked", "cancel reply", "schreibe einen kommentar",
    "schreib einen kommentar", "schreiben sie einen kommentar", "kommentar schreiben",
    "kommentar verfassen", "kommentar hinzufugen", "kommentar abgeben", "kommentar hinterlassen",
    "hinterlasse einen kommentar", "hinterlasse eine antwort", "kommentieren", "neuer kommentar",
    "neuen kommentar", "ihr kommentar", "dein kommentar", "deine meinung", "ihre meinung",
    "antwort hinterlassen", "antworten abbrechen", "deine e-mail-adresse wird nicht",
    "ihre e-mail-adresse wird nicht", "kommentar absenden", "kommentar senden",
    "kommentar abschicken", "einen kommentar schreiben",
    "wenn sie diesen blogeintrag kommentieren", "kommentarfunktion ist", "kommentare geschlossen",
    "die kommentare sind geschlossen", "um kommentieren zu konnen", "sag was", "gib hier deinen",
    "laisser un commentaire", "laissez un commentaire", "laisser une reponse",
    "ecrire un commentaire", "ajouter un commentaire", "poster un commentaire",
    "votre commentaire", "publier un commentaire", "votre adresse e-mail ne sera pas",
    "votre adresse de messagerie ne sera pas", "repondre annuler", "les commentaires sont fermes",
    "connectez-vous pour", "deja un comentario", "deja una respuesta", "dejar un comentario",
    "escribe un comentario", "escribe tu comentario", "anadir comentario", "anade un comentario",
    "publicar un comentario", "tu direccion de correo", "su direccion de correo",
    "cancelar respuesta", "enviar comentario", "comentarios cerrados", "tu comentario",
    "su comentario", "haz un comentario", "comentar", "deixe um comentario", "deixe uma resposta",
    "deixe seu comentario", "deixe o seu comentario", "escreva um comentario",
    "adicionar comentario", "adicione um comentario", "postar um comentario",
    "o seu endereco de e-mail", "o seu endereco de email", "cancelar resposta",
    "lascia un commento", "lascia una risposta", "scrivi un commento", "aggiungi un commento",
    "invia commento", "il tuo indirizzo email", "annulla risposta", "commenta",
    "geef een reactie", "laat een reactie", "plaats een reactie", "reactie plaatsen", "reageer",
    "je e-mailadres", "uw e-mailadres", "een reactie achterlaten", "reactie annuleren",
    "dodaj komentarz", "napisz komentarz", "zostaw komentarz", "anuluj pisanie odpowiedzi",
    "twoj adres e-mail", "skomentuj", "добавить комментарий", "оставить комментарий",
    "написать комментарий", "ваш комментарий", "отменить ответ", "ваш адрес email",
    "оставьте комментарий", "ваш e-mail не будет", "залишити коментар", "додати коментар",
    "kommentera", "lamna ett svar", "lamna en kommentar", "skriv en kommentar", "skriv kommentar",
    "din e-postadress", "legg igjen en kommentar", "legg igjen et svar", "skriv et svar",
    "efterlad et svar", "din e-mail-adresse", "napsat komentar", "pridat komentar",
    "vase e-mailova adresa", "bir cevap yazin", "bir yanit yazin", "yorum yaz", "yorum yapin",
    "e-posta hesabiniz", "jata kommentti", "kirjoita kommentti",
    "コメントを残す", "发表评论", "发表回复",
    "댓글 남기기",
)  # fmt: skip
# Headings of what is neither article nor comment: sidebars, related reading, footers.
OTHER_SECTIONS = (
    "similar posts", "related posts", "related articles", "related stories", "related",
    "related:", "recent posts", "recent comments", "latest comments", "latest posts",
    "latest news", "latest", "popular posts", "most popular", "most read", "most viewed",
    "trending", "trending now", "more from", "more stories", "more on this", "more articles",
    "read more", "read next", "see also", "you may also like", "you might also like",
    "you may like", "recommended", "recommended for you", "about the author", "about author",
    "about me", "about us", "written by", "author bio", "share this", "share this:", "share",
    "share on", "sharing is caring", "like this:", "tags", "tags:", "tagged", "filed under",
    "categories", "category", "archives", "archive", "blogroll", "meta", "search", "subscribe",
    "newsletter", "sign up", "follow us", "follow me", "connect with us", "advertisement",
    "sponsored", "sponsored links", "trackbacks", "pingbacks", "trackbacks/pingbacks",
    "primary sidebar", "secondary sidebar", "footer", "post navigation", "previous post",
    "next post", "explore more", "topics", "in this article", "references", "suggested citation",
    "copyright", "all rights reserved", "terms of use", "privacy policy",
    "some media, including videos", "this site uses akismet", "notify me of", "disclaimer",
    "navigation", "reader interactions", "ahnliche beitrage", "ahnliche artikel",
    "verwandte artikel", "verwandte beitrage", "weitere artikel", "weitere beitrage",
    "weitere themen", "das konnte dich auch interessieren", "mehr zum thema", "mehr von",
    "auch interessant", "lesen sie auch", "neueste kommentare", "letzte kommentare",
    "neueste beitrage", "letzte beitrage", "aktuelle beitrage", "am meisten gelesen",
    "meistgelesen", "uber den autor", "uber die autorin", "uber mich", "teilen", "teilen mit:",
    "gefallt mir:", "schlagworter", "schlagworte", "kategorien", "archiv", "suche",
    "newsletter abonnieren", "beitragsnavigation", "beitrags-navigation", "impressum",
    "datenschutz", "anzeige", "werbung", "diese website verwendet akismet", "nachster artikel",
    "vorheriger artikel", "verlinkung", "articles similaires", "articles lies", "a lire aussi",
    "lire aussi", "sur le meme sujet", "derniers commentaires", "commentaires recents",
    "articles recents", "a propos de l'auteur", "a propos", "partager", "partager :", "mots-cles",
    "recherche", "rechercher", "ce site utilise akismet", "navigation de l'article",
    "mentions legales", "articulos relacionados", "noticias relacionadas",
    "entradas relacionadas", "relacionado", "te puede interesar", "tambien te puede interesar",
    "comentarios recientes", "ultimos comentarios", "entradas recientes", "lo mas leido",
    "lo mas visto", "sobre el autor", "acerca del autor", "compartir", "comparte", "compartelo",
    "etiquetas", "categorias", "archivos", "buscar", "este sitio usa akismet",
    "navegacion de entradas", "publicidad", "artigos relacionados", "posts relacionados",
    "leia tambem", "leia mais", "veja tambem", "comentarios recentes", "posts recentes",
    "sobre o autor", "compartilhe", "compartilhar", "articoli correlati", "potrebbe interessarti",
    "leggi anche", "commenti recenti", "articoli recenti", "condividi",
    "informazioni sull'autore", "categorie", "gerelateerde berichten", "lees ook",
    "recente reacties", "recente berichten", "over de auteur", "deel dit", "delen", "categorieen",
    "podobne wpisy", "zobacz tez", "czytaj tez", "najnowsze komentarze", "ostatnie komentarze",
    "ostatnie wpisy", "o autorze", "udostepnij", "похожие записи", "читайте также",
    "свежие комментарии", "последние комментарии", "свежие записи", "об авторе", "поделиться",
    "рубрики", "архивы", "поиск", "схожі записи", "читайте також", "relaterade inlagg",
    "las ocksa", "senaste kommentarer", "senaste inlagg", "dela", "relaterede indlæg", "læs ogsa",
    "seneste kommentarer", "del dette", "les ogsa", "siste kommentarer", "podobne clanky",
    "ctete take", "posledni komentare", "sdilet", "benzer yazilar", "son yorumlar", "paylas",
    "関連記事", "最近のコメント",
)  # fmt: skip
# Those of them that also stand between two comments.
ADVERTS = ("advertisement", "sponsored", "anzeige", "werbung", "publicidad")
# Stems of those headings under which other articles or their comments are listed.
LIST_STEMS = (
    "recent", "latest", "newest", "neueste", "letzte", "aktuelle", "dernier", "ultim", "popul",
    "most ", "meist", "related", "ahnlich", "verwandt", "relacion", "correlat", "similar",
    "trend", "weitere", "more ", "mehr", "read", "lesen", "lire", "leggi", "lees", "czyta",
    "чита", "recommended", "siste", "senaste", "seneste", "posledni", "ostatni", "najnow", "свеж",
    "последн", "son yorum", "archiv", "pingback", "trackback", "newsletter", "subscribe",
    "search", "categor", "kategor",
)  # fmt: skip
# Words of which button, link and badge lines below or above a comment consist.
BUTTON_WORDS = (
    "reply replies respond quote like likes liked dislike dislikes report abuse flag spam share "
    "edit delete permalink link permanent up down upvote downvote vote votes voted thumbs hide "
    "show view more less collapse expand expand. parent mute follow following unfollow "
    "subscribe loading save saved give award tip this comment comments as inappropriate post to "
    "at for helpful yes no was is log in login reply. author admin moderator mod staff verified "
    "badge top fan rated recommend recommended recommendations points point score permalink: "
    "thread read translate see translation helpful? unhelpful profile avatar toggle copy "
    "email print login fur  "
    "antworten antwort antworten↓ zitieren zitat melden gefallt mir gefällt liken teilen "
    "bearbeiten loschen permanenter permanentlink direktlink kommentar kommentare beitrag "
    "anmelden zum daumen hoch runter verfasser autor autorin aufklappen einklappen mehr weniger "
    "anzeigen inhalt verstos répondre repondre citer signaler aimer j'aime partager permalien "
    "lien permanent abus un ce commentaire auteur connectez vous pour se connecter responder "
    "citar mensaje denunciar me gusta compartir enlace permanente valorar positivo negativo "
    "editar borrar eliminar reportar accede autor curtir denunciar compartilhar permanente "
    "gostei rispondi cita segnala mi piace condividi permalink beantwoorden reageer reageren "
    "citeren melden vind ik leuk delen antwoord odpowiedz cytuj zgłoś zglos lubię lubie to "
    "udostępnij ответить цитировать пожаловаться нравится поделиться ссылка відповісти цитувати "
    "подобається svara citera anmäl gilla dela svar besvar anmeld synes godt om liker rapporter "
    "odpovědět odpovedet citovat nahlásit nahlasit líbí se mi sdílet yanıtla cevapla alıntı "
    "şikayet beğen paylaş vastaa tykkää ilmoita 返信 回复 답글 reagovat válasz răspunde"
)
REPLY_WORDS = (
    "reply antworten antwort répondre responder rispondi beantwoorden reageer odpowiedz "
    "ответить відповісти svara svar besvar odpovědět yanıtla cevapla vastaa 返信 回复 "
    "답글 reagovat "
    "răspunde respond beantworten reply."
)
# Verbs in "NAME says:".
SAYS = (
    "says said wrote writes replied replies commented comments sagt sagte schreibt schrieb "
    "meint meinte kommentiert kommentierte antwortet antwortete dit ecrit repond dice dijo "
    "escribio comento responde disse diz escreveu comentou ha scritto scrive risponde zegt "
    "schreef schrijft pisze napisal napisal(a) napisala mowi skomentowal говорит сказал пишет "
    "написал написала написал(а) комментирует каже пише сказав написав sager sade skriver skrev "
    "siger sier sa rika napsal napsal(a) pise diyor diyorki dedi yazdi sanoo kirjoitti spune "
    "zice commented: gesagt geschrieben a dit a ecrit"
)
# What stands before a name: "Comment by NAME", "Posted by NAME", "Kommentar von NAME".
BY_PREFIXES = (
    "comment by", "comment from", "post by", "message by", "posted by", "posted by:",
    "written by", "submitted by", "comment posted by", "reply by", "left by", "by", "from",
    "author:", "name:", "user:", "kommentar von", "geschrieben von", "verfasst von",
    "gepostet von", "eingestellt von", "antwort von", "von", "beitrag von", "message par",
    "mensaje por", "mensagem por", "commentaire de", "commentaire par", "poste par", "ecrit par",
    "redige par", "par", "comentario de", "comentario por", "publicado por", "enviado por",
    "escrito por", "por", "postado por", "commento di", "scritto da", "inviato da", "di", "da",
    "reactie van", "geplaatst door", "door", "komentarz od", "napisany przez", "przez", "autor:",
    "комментарий от", "автор:", "от", "kommentar fran", "skrivet av", "av", "kommentar af",
    "skrevet af", "skrevet av", "af", "vlozil", "napsal", "yazan:",
)  # fmt: skip
ANSWER_PREFIXES = (
    "in reply to", "reply to", "replying to", "in response to", "antwort auf", "als antwort auf",
    "en reponse a", "reponse a", "en respuesta a", "respuesta a", "em resposta a", "resposta a",
    "in risposta a", "risposta a", "als antwoord op", "in antwoord op", "w odpowiedzi do",
    "odpowiedz na", "в ответ на", "ответ на", "som svar pa", "svar pa", "svar til",
    "in reply to:",
)  # fmt: skip
DELETED = (
    "[deleted]", "[removed]", "comment deleted", "comment removed",
    "this comment has been deleted", "this comment has been removed", "this comment was deleted",
    "this comment was removed", "this comment has been removed by the author",
    "this comment has been removed by a moderator",
    "this comment has been removed by a blog administrator", "deleted comment", "deleted by user",
    "this user deleted their comment", "comment deleted by user",
    "dieser kommentar wurde geloscht", "kommentar geloscht", "dieser kommentar wurde entfernt",
    "dieser kommentar wurde vom autor entfernt", "kommentar entfernt",
    "ce commentaire a ete supprime", "commentaire supprime", "comentario eliminado",
    "este comentario ha sido eliminado", "este comentario fue eliminado", "comentario removido",
    "este comentario foi removido", "commento eliminato", "questo commento e stato eliminato",
    "komentarz usuniety", "комментарий удален", "kommentaren borttagen", "reactie verwijderd",
    "deleted", "removed",
)  # fmt: skip
PINGBACKS = ("pingback", "trackback", "ping", "pingback:", "trackback:", "weblog pingback")
AUTHOR_BADGES = (
    "author", "autor", "autorin", "auteur", "autore", "post author", "article author",
    "verfasser", "op", "admin", "moderator", "mod", "staff", "beitragsautor", "автор", "autor:",
    "guest", "gast", "subscriber", "member", "(author)", "(autor)", "(op)",
)  # fmt: skip
# Labels of times that are not a comment's: "Joined: May 8, 2019".
OTHER_TIMES = (
    "joined", "join date", "registered", "member since", "start date", "last edited", "edited",
    "last updated", "updated", "last modified", "published", "last seen", "last reply", "until",
    "date joined", "last post", "created", "registriert seit", "registriert", "dabei seit",
    "mitglied seit", "zuletzt bearbeitet", "zuletzt geandert", "bearbeitet", "aktualisiert",
    "stand", "veroffentlicht", "beigetreten", "inscrit le", "inscrit", "inscription",
    "mis a jour", "modifie le", "publie le", "registrado", "fecha de ingreso", "desde",
    "actualizado", "publicado", "iscritto", "aggiornato", "pubblicato", "lid sinds",
    "geregistreerd", "bijgewerkt", "laatst bewerkt", "dołączył", "zarejestrowany", "регистрация",
    "зарегистрирован", "medlem sedan", "copyright",
)  # fmt: skip
# Marks beside a comment's time: "1 year ago (edited)".
EDITED = (
    "edited", "last edited", "updated", "modified", "bearbeitet", "zuletzt bearbeitet", "geändert",
    "modifié", "modifiée", "editado", "modificato", "bewerkt", "laatst bewerkt", "edytowany",
    "edytowano", "изменено", "отредактировано", "змінено", "redigerad", "redigeret", "redigert",
    "upraveno", "düzenlendi", "muokattu", "szerkesztve", "editat", "編集済み", "修改过", "已编辑",
    "수정됨",
)  # fmt: skip
# Lines in front of an article's text that are captions or credits, no title.
CREDITS = (
    "image", "image:", "photo", "photo:", "photos", "foto", "foto:", "bild:", "credit", "credit:",
    "picture", "source:", "quelle:", "video", "©", "(c)", "getty", "reuters", "afp", "by",
)  # fmt: skip


def fold(text: str) -> str:
    """Return `text` in lower case, without accents, its white space single.

    Examples
    --------
    >>> fold(" Écrire  un COMMENTAIRE ")
    'ecrire un commentaire'
    """
    if text.isascii():  # most lines: some twenty times faster
        return " ".join(text.lower().split())
    return _fold_unicode(text)


@lru_cache(maxsize=4096)
def _fold_unicode(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.replace("ł", "l").replace("ø", "o").replace("ı", "i").split())


def folded_set(words: str | tuple[str, ...]) -> frozenset[str]:
    """Return the folded words or phrases as a set."""
    return frozenset(fold(word) for word in (words.split() if isinstance(words, str) else words))


def phrase_pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Compile phrases to one pattern that matches any of them, longest first, whole words only."""
    ordered = sorted({fold(phrase) for phrase in phrases}, key=len, reverse=True)
    return re.compile("(?:" + "|".join(map(re.escape, ordered)) + r")(?!\w)")
