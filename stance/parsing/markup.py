"""What comment markup looks like, as data: one entry a platform, and the words that classes use.

Nothing else in the package knows a platform. A selector is CSS; `css@name` reads an attribute
of what it finds, `@name` one of the record itself. Tuples are tried in order.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """How one platform writes its comments.

    Parameters
    ----------
    name : str
    hints : tuple of str
        Pieces of page source; without any of them the family is not tried.
    record : str
        Selects each comment, answers within a comment included.
    id_pattern : str
        A record's `id` must match this where it is given.
    author, time, body, likes, identity : tuple of str
        Where a record keeps these; the general rules of `records` follow where none finds anything.
    level : tuple of (str, int)
        Where the depth stands as a number, and what one level counts there.
    reply_to : tuple of str
        Links whose fragment names the comment that is answered.
    lead : str
        Selects what stands right before a record and belongs to it.
    drop : tuple of str
        Parts of a body that the commenter did not write.
    deleted, pingback : tuple of str
        Records that are (or hold) this are counted as deleted, or left out.
    opening : str
        "first" where the first record of a thread is its opening post, else a selector of it.
    """

    name: str
    hints: tuple[str, ...]
    record: str
    id_pattern: str = ""
    author: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    likes: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    level: tuple[tuple[str, int], ...] = ()
    reply_to: tuple[str, ...] = ()
    lead: str = ""
    drop: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    pingback: tuple[str, ...] = ()
    opening: str = ""


FAMILIES: tuple[Family, ...] = (
    # Blogs and their plug-ins
    Family(
        "wpdiscuz",
        ("wpd-comment", "wc-comment"),
        ".wpd-comment, .wc-comment",
        author=(".wpd-comment-author", ".wc-comment-author"),
        time=(".wpd-comment-date@title", ".wpd-comment-date", ".wc-comment-date"),
        body=(".wpd-comment-text", ".wc-comment-text"),
        likes=(".wpd-vote-result", ".wc-vote-result"),
        reply_to=(".wpd-reply-to a", ".wc-reply-to a"),
        drop=(".wpd-comment-footer", ".wpd-comment-last-edited"),
    ),
    Family(
        "wordpress",
        ("depth-", "thread-even", "comment even", "comment odd", "pingback", "trackback"),
        ".comment[class*='depth-'], .comment.even, .comment.odd, .comment.alt[id^='comment-'], "
        ".pingback.even, .pingback.odd, .trackback.even, .trackback.odd, "
        "li.pingback, li.trackback, div.pingback[id], div.trackback[id], "
        ".review[class*='depth-'][id*='comment-']",
        author=(
            ".wp-block-comment-author-name",
            ".comment-author .fn",
            ".fn",
            ".comment-author-name",
        ),
        time=(".comment-metadata time@datetime", ".wp-block-comment-date time@datetime"),
        body=(".wp-block-comment-content", "[itemprop='text']", ".comment-content"),
        likes=(".comment-like-feedback", ".like-count", ".cld-like-count-wrap"),
        pingback=(".pingback", ".trackback"),
    ),
    Family(
        "blogger",
        ("comment-thread", "comments-block", "comment-block"),
        "li.comment[id^='c'], dt.comment-author, div.comment-block:not(li.comment div)",
        author=(".comment-header .user", ".user", "dt.comment-author a", "dt.comment-author"),
        time=(".datetime", ".comment-timestamp"),
        body=(".comment-content", "dd.comment-body", ".comment-body"),
        deleted=(".deleted-comment",),
        drop=(".comment-actions", ".comment-footer"),
    ),
    Family(
        "drupal",
        ("comment-by-", "js-comment", "comment-body", "comment-wrapper", "submitted", "indented"),
        "article.comment, div.comment.clearfix, div.comment.clear-block, article.js-comment, "
        "div.comment.comment-published, div[class*='comment-by-'], div.comment.odd, "
        "div.comment.even, #comments > div.comment, article[typeof*='Comment']",
        author=(".username", ".comment__author", ".author .name", ".submitted .name"),
        time=(
            "[property='schema:dateCreated']@content",
            "[property*='dc:created']@content",
            "[data-comment-timestamp]@data-comment-timestamp",
            ".submitted time@datetime",
            ".comment__time",
            ".comment-date",
        ),
        body=(
            "[property='schema:text']",
            ".field-comment-body",
            ".field--name-comment-body",
            ".field-name-comment-body",
            ".comment__content .content",
            ".comment-content .content",
        ),
        reply_to=(".parent a", ".comment__parent a"),
        drop=(".links", "[property='schema:name']", ".indented"),
    ),
    Family(
        "movable-type",
        ("comments-body", "comment-footer", "comment-content"),
        ".comments-body, .comment[id^='comment-'], .comment[id^='c0'], div.comment.comment-odd, "
        "div.comment.comment-even",
        author=(".comments-post a", ".comment-header .author", ".byline .author"),
        time=(".comments-post abbr@title", ".byline abbr.published@title"),
        body=(".comment-content",),
        drop=(".comments-post", ".comment-footer", ".comment-header"),
    ),
    Family(
        "spip",
        ("forum-texte", "forum-fil", "forum-message"),
        ".forum-fil, .forum-fil .forum-message:not(.forum-fil)",
        author=(".comment-author", ".forum-qui", "[class*='forum-qui']"),
        time=("abbr.date@title", "abbr.dtreviewed@title"),
        body=(".forum-texte", ".comment-texte"),
        drop=(".hyperlien",),
    ),
    # Comment services, as rendered
    Family(
        "disqus",
        ("post-message", "dsq-comment"),
        "li.post[id^='post-'], .dsq-comment",
        author=(".post-byline .author", ".dsq-commenter-name", ".dsq-comment-cite"),
        time=(
            ".time-ago@title",
            ".dsq-comment-header-time@title",
            ".time-ago",
            ".dsq-comment-header-time",
            ".dsq-comment-header-meta",
        ),
        body=(".post-message", ".dsq-comment-message", ".dsq-comment-text"),
        likes=("[data-role='likes']", ".vote-up .count"),
        reply_to=(".parent-link",),
        deleted=(".post-body-deleted", ".dsq-comment-deleted"),
    ),
    Family(
        "intensedebate",
        ("idc-c",),
        ".idc-c[id^='IDComment']",
        author=("[id^='IDCommentNameLink']", ".idc-c-h-inner .idc-i", ".idc-c-h-inner a"),
        time=(".idc-time", ".idc-c-h-inner [title]@title"),
        body=(".idc-c-t-inner", ".idc-c-t"),
        likes=(".idc-v-total",),
        deleted=(".idc-c-d",),
    ),
    Family(
        "livefyre",
        ("fyre-comment",),
        ".fyre-comment-article",
        author=(".fyre-comment-username",),
        time=(".fyre-comment-date time@datetime", ".fyre-comment-date"),
        body=(".fyre-comment",),
        likes=(".fyre-comment-like-count",),
        deleted=(".fyre-comment-deleted",),
    ),
    Family(
        "coral",
        ("coral-comment",),
        ".coral-comment",
        author=(".coral-comment-username",),
        time=(".coral-comment-timestamp@datetime", ".coral-comment-timestamp"),
        body=(".coral-comment-content",),
        deleted=(".coral-comment-tombstone",),
    ),
    Family(
        "isso",
        ("isso-comment",),
        ".isso-comment",
        author=(".isso-author", ".author"),
        time=("time@datetime",),
        body=(".isso-text", ".text"),
        likes=(".isso-votes", ".votes"),
    ),
    Family(
        "commento",
        ("commento-card",),
        ".commento-card",
        author=(".commento-name",),
        time=(".commento-timeago@title", ".commento-timeago"),
        body=(".commento-body",),
        likes=(".commento-score",),
    ),
    # Forums
    Family(
        "discourse",
        ("crawler-post", "discourse"),
        ".crawler-post, .topic-post, [itemtype*='DiscussionForumPosting'] [itemprop='comment']",
        author=(
            "[itemprop='author'] [itemprop='name']",
            ".names .username a",
            ".creator",
        ),
        time=(".post-time@datetime", ".relative-date@data-time", "[itemprop='datePublished']"),
        body=("[itemprop='text']", "[itemprop='articleBody']", ".post[itemprop]", ".cooked"),
        likes=(".post-likes",),
        drop=(".crawler-linkback-list",),
        opening="first",
    ),
    Family(
        "xenforo",
        ("message--post", "messageText", "xenforo", "message-body"),
        "article.message--post, li.message[id^='post-'], div.message--post",
        author=(".message-name .username", ".message-name", "@data-author", ".userText .username"),
        time=(
            ".message-attribution time@datetime",
            "time.u-dt@datetime",
            ".DateTime@data-time",
            ".DateTime@title",
            ".DateTime",
        ),
        body=(".message-body .bbWrapper", ".bbWrapper", ".messageText", ".message-body"),
        drop=(
            ".bbCodeBlock-expandLink",
            ".bbCodeBlock--unfurl",
            ".js-selectToQuoteEnd",
            ".quoteExpand",
        ),
        deleted=(".message--deleted", ".messageDeleted"),
        opening="first",
    ),
    Family(
        "phpbb",
        ("phpbb", "postbody", "postprofile"),
        "div.post[id^='p'], article.post[id^='p'], div.post.has-profile",
        author=(".author .username", ".author .username-coloured", ".postprofile .username"),
        time=(".author time@datetime", ".author time", ".author"),
        body=(".content", ".postbody .postbody"),
        drop=(".signature", ".notice", "[class*='quote-togglebutton']"),
        opening="first",
    ),
    Family(
        "vbulletin",
        ("postcontainer", "post_message_", "postbit", "b-post__"),
        "li.postcontainer, li.b-post, table[id^='post']:not(table table), div.postbitlegacy",
        author=(".username strong", ".username", ".bigusername", ".author a"),
        time=(".postdate", ".b-post__timestamp time@datetime", ".date", ".thead"),
        body=(
            ".postcontent",
            ".js-post__content-text",
            "[id^='post_message_']",
        ),
        opening="first",
    ),
    Family(
        "invision",
        ("ipsComment", "cPost", "post_block"),
        "article.ipsComment, .ipsComment[data-commentid], .post_block",
        author=(".cAuthorPane_author", ".ipsComment_author a", ".ipsComment_author", ".author"),
        time=(".ipsComment_meta time@datetime", "time@datetime", ".published@title"),
        body=("[data-role='commentContent']", "[itemprop='commentText']", ".post.entry-content"),
        drop=(".ipsQuote_citation", ".ipsComment_tools", ".edit"),
        opening="first",
    ),
    Family(
        "nodebb",
        ("post/content",),
        "[component='post']",
        author=("@data-username", "[itemprop='author']", "[data-username]@data-username"),
        time=("@data-timestamp", ".timeago@title", "[itemprop='datePublished']@content"),
        body=("[component='post/content']",),
        likes=("[component='post/vote-count']",),
        identity=("@data-pid",),
        opening="first",
    ),
    Family(
        "mybb",
        ("post_body", "post_content"),
        "div.post[id^='post_'], table[id^='post_']",
        author=(".author_information .largetext", ".author_information a", ".post_author a"),
        time=(".post_date",),
        body=(".post_body",),
        opening="first",
    ),
    Family(
        "smf",
        ("post_wrapper", "windowbg"),
        ".post_wrapper",
        author=(".poster h4 a", ".poster h4"),
        time=(".keyinfo .smalltext", ".postinfo"),
        body=(".post .inner", ".inner"),
        opening="first",
    ),
    Family(
        "vanilla",
        ("ItemComment", "ItemDiscussion"),
        ".ItemDiscussion, .ItemComment",
        author=(".Author .Username", ".Username"),
        time=("time@datetime",),
        body=(".Message",),
        opening="first",
    ),
    Family(
        "flarum",
        ("CommentPost", "PostStream"),
        ".CommentPost",
        author=(".PostUser-name .username", ".PostUser .username"),
        time=("time@datetime",),
        body=(".Post-body",),
        opening="first",
    ),
    Family(
        "punbb",
        ("blockpost", "postmsg"),
        ".blockpost",
        author=(".postleft dt strong", ".postleft dt"),
        time=("h2 a", "h2"),
        body=(".postmsg",),
        drop=(".postedit",),
        opening="first",
    ),
    Family(
        "woltlab",
        ("messageText", "wbbPost", "commentResponse", "jsComment"),
        "article.wbbPost, article.message[data-object-id], li.commentResponse, "
        "li.comment.jsComment",
        author=(".messageAuthor .username", ".username"),
        time=(".messagePublicationTime time@datetime", "time@datetime"),
        body=(".messageText", ".userMessage"),
        opening="first",
    ),
    Family(
        "bbpress",
        ("bbp-reply", "bbp-topic"),
        ".bbp-body > div.topic, .bbp-body > div.reply, .bbp-lead-topic .topic",
        author=(".bbp-author-name",),
        time=(".bbp-reply-post-date", ".bbp-topic-post-date"),
        lead=".bbp-reply-header, .bbp-topic-header",
        body=(".bbp-topic-content", ".bbp-reply-content"),
        opening="first",
    ),
    Family(
        "steam",
        ("commentthread_comment",),
        ".commentthread_comment",
        author=(".commentthread_author_link", ".commentthread_comment_author bdi"),
        time=(
            ".commentthread_comment_timestamp@data-timestamp",
            ".commentthread_comment_timestamp@title",
            ".commentthread_comment_timestamp",
        ),
        body=(".commentthread_comment_text",),
        deleted=(".commentthread_comment_deleted",),
        opening=".forum_op",
    ),
    # Link and question sites
    Family(
        "reddit",
        ("shreddit-comment",),
        "shreddit-comment",
        author=("@author",),
        time=("@created", "@created-timestamp", "time@datetime"),
        body=("[slot='comment']", "[slot='text-body']"),
        likes=("@score",),
        identity=("@thingid",),
        level=(("@depth", 1),),
        deleted=("shreddit-comment[author='[deleted]']",),
        opening="shreddit-post",
    ),
    Family(
        "reddit-old",
        ("usertext-body",),
        ".thing.comment",
        author=(".tagline .author",),
        time=(".tagline time@datetime",),
        body=(".usertext-body .md", ".usertext-body"),
        likes=(".score.unvoted@title", ".score.unvoted"),
        identity=("@data-fullname",),
        deleted=(".thing.deleted",),
        opening=".thing.link",
    ),
    Family(
        "hacker-news",
        ("commtext", "hnuser"),
        "tr.comtr, tr.athing:has(.comment)",
        author=(".hnuser", ".comhead a[href^='user']"),
        time=(".age@title", ".age"),
        body=(".commtext", ".comment", ".toptext"),
        identity=("@id",),
        level=(("td.ind@indent", 1), ("td.ind img@width", 40)),
        drop=(".reply", ".navs"),
        opening=".fatitem",
    ),
    Family(
        "lobsters",
        ("comments_subtree", "comment_text"),
        ".comment[id^='c_']",
        author=(".byline a[href^='/~']", ".byline a[href^='/u/']", ".byline .author"),
        time=(".byline time@datetime", ".byline [title*='-']@title"),
        body=(".comment_text", ".story_text"),
        likes=(".voters .score", ".score", ".voters .upvoter"),
        identity=("@data-shortid",),
        opening=".story",
    ),
    Family(
        "stack-exchange",
        ("js-post-body", "post-text", "comment-copy"),
        "div.answer, .js-comment, tr.comment[id^='comment-'], li.comment[id^='comment-']",
        author=(
            ".comment-user",
            ".post-signature:last-child .user-details a",
            "[itemprop='author'] [itemprop='name']",
        ),
        time=(
            ".comment-date [title]@title",
            ".post-signature:last-child .relativetime@title",
            ".relativetime@title",
        ),
        body=(".comment-copy", ".js-post-body", ".post-text"),
        likes=(".comment-score", ".js-vote-count"),
        opening="#question, .question",
    ),
    Family(
        "youtube",
        ("ytd-comment",),
        "ytd-comment-view-model, ytd-comment-renderer",
        author=("#author-text",),
        time=("#published-time-text", ".published-time-text"),
        body=("#content-text",),
        likes=("#vote-count-middle",),
    ),
    Family(
        "substack",
        ("comment-list", "comment-body"),
        ".comment-list-item, .comment-list .comment",
        author=(
            ".comment-meta .profile-hover-card-target a",
            ".commenter-name",
            ".comment-meta a:not(:has(time))",
        ),
        time=(".comment-timestamp@title", ".comment-timestamp", ".comment-meta time@datetime"),
        body=(".comment-body",),
        deleted=(".comment-deleted",),
    ),
    # What any site may mark up
    Family(
        "schema.org",
        ("schema.org/Comment", "schema.org/comment", "UserComments", "comment"),
        "[itemtype$='schema.org/Comment'], [itemtype$='schema.org/comment'], "
        "[itemtype$='schema.org/UserComments'], [itemprop='comment'][itemscope]",
        author=(
            "[itemprop='author'] [itemprop='name']",
            "[itemprop='creator'] [itemprop='name']",
            "[itemprop='author']",
            "[itemprop='creator']",
        ),
        time=(
            "[itemprop='datePublished']@datetime",
            "[itemprop='datePublished']@content",
            "[itemprop='dateCreated']@datetime",
            "[itemprop='dateCreated']@content",
            "[itemprop='commentTime']@datetime",
            "[itemprop='commentTime']@content",
            "[itemprop='datePublished']",
        ),
        body=("[itemprop='text']", "[itemprop='commentText']", "[itemprop='description']"),
        likes=("[itemprop='upvoteCount']",),
    ),
    Family(
        "wordpress-old",
        ("comment-", "commentlist"),
        "li[id^='comment-'], div[id^='comment-'], article[id^='comment-'], dt[id^='comment-'], "
        "li[id^='li-comment-'], .commentlist > li, #commentlist > li",
        id_pattern=r"(?:li-|div-)?comment-\d+$|$",
        pingback=(".pingback", ".trackback"),
    ),
)

# Records of no known platform: everything is read by the general rules.
INDUCED = Family("induced", (), "")

# --- the words that class names, ids and item properties are made of, for markup of any site ---


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMENT_WORDS = _words(
    "comment comments commentlist comentario comentarios comentário kommentar kommentare "
    "kommentarer commentaire commentaires commento commenti komentarz komentarze reactie reacties "
    "reaction yorum yorumlar opinion opinions opinie discussion talkback feedback "
    "post posts reply replies respuesta antwort response message messages forum thread "
    "posting beitrag"
)
COMMENT_CORE = COMMENT_WORDS - _words(
    "post posts message messages forum thread discussion feedback opinion opinions response "
    "beitrag reaction posting reply replies"
)
AUTHOR_WORDS = {
    "fn": 5,
    "username": 4,
    "nickname": 4,
    "nick": 4,
    "screenname": 4,
    "displayname": 4,
    "author": 3,
    "autor": 3,
    "auteur": 3,
    "autore": 3,
    "creator": 3,
    "poster": 3,
    "commenter": 3,
    "commentor": 3,
    "commentator": 3,
    "benutzer": 3,
    "benutzername": 4,
    "usuario": 3,
    "utente": 3,
    "utilisateur": 3,
    "kommentator": 3,
    "verfasser": 3,
    "user": 2,
    "name": 2,
    "nombre": 2,
    "nome": 2,
    "nom": 2,
    "member": 2,
    "persona": 2,
    "profile": 1,
    "who": 2,
    "by": 1,
    "byline": 1,
}
NOT_AUTHOR_WORDS = _words(
    "avatar gravatar photo photos img image icon badge badges rank reply replies action actions "
    "bio fans count counter pic picture signature status role label popup menu title location "
    "stats info2 level points karma link permalink date time content text body message level "
    "tooltip position groups group since joined follow hidden"
)
PICTURE_WORDS = _words("avatar avatars gravatar photo picture thumbnail")
TIME_WORDS = _words(
    "date time datum fecha hora timestamp datetime posted published created ago age duration "
    "zeit uhrzeit heure data when since dateline postdate postdetails rough timeago erstellt"
)
BODY_WORDS = _words(
    "content text body message msg texto texte testo inhalt copy bbwrapper markdown prose "
    "usertext entry desc description txt html snippet"
)
ACTION_WORDS = _words(
    "reply replybtn respond respondlink action actions button buttons btn vote votes voting voted "
    "rating ratings rate likes like liker likers dislike share sharing sharedaddy report flag "
    "abuse permalink "
    "edit toolbar controls control tools tool menu dropdown form signature sig avatar gravatar "
    "badge badges "
    "social thumbs thumb karma score reactions responder repondre denunciar melden valoracion "
    "moderation moderate quotelink links util utils interact popup popupmenu tooltip awards "
    "nodecontrols historyedit offensive recommend edited"
)
HIDDEN_WORDS = _words(
    "sr-only screen-reader-text visually-hidden visuallyhidden u-concealed assistive-text "
    "element-invisible hide-text screen-reader screenreader"
)
ELSEWHERE_WORDS = _words(
    "sidebar recent recentcomments teaser teasers ticker live navigation nav breadcrumb "
    "breadcrumbs carousel slider promo related"
)
OFTEN_ELSEWHERE_WORDS = _words("widget widgets latest menu trending")
LIKE_WORDS = _words(
    "like likes vote votes upvote upvotes score karma points recommend thumbs positiva up rating "
    "gefaellt"
)
DISLIKE_WORDS = _words("dislike dislikes down downvote downvotes negativa")

# Links to people: paths that lead to a profile.
PROFILE_PATHS = (
    "/user", "/profile", "/member", "/author", "/people", "/u/", "/persona", "/autor", "/usuario",
    "/in/", "/social/", "userid=", "member.php", "memberlist.php", "viewprofile", "/@",
)  # fmt: skip

# Lines that are buttons, folded to lower case, without digits and punctuation.
BUTTON_LINES = frozenset(
    """reply|reply to this|reply to comment|reply to this comment|respond|report|report abuse
    report comment|report this comment|report post|flag|flag as inappropriate|flag as offensive
    like|like this|likes|unlike|dislike|share|share this|permalink|link|link to comment|edit|delete
    quote|reply with quote|log in to reply|log in to leave a comment|login to reply
    loading|show more|read more|see more|more|less|hide replies|show replies|view replies|collapse
    expand|upvote|downvote|vote up|vote down|recommend|helpful|top|up|down|parent|next|previous
    antworten|antworten auf diesen kommentar|zum antworten anmelden|zitieren|melden|kommentar melden
    gefällt mir|gefällt das|teilen|bearbeiten|löschen|kommentar|kommentieren|beitrag melden
    responder|citar|denunciar|me gusta|compartir|reportar|editar|eliminar|enlace|curtir
    répondre|répondre à ce message|citer|signaler|signaler un abus|j aime|partager|modifier
    rispondi|cita|segnala|mi piace|condividi|odpowiedz|zgłoś|cytuj|lubię to|udostępnij
    beantwoorden|reageer|rapporteer|vind ik leuk|delen|svara|svar|gilla|anmäl|vastaa|tykkää
    ответить|пожаловаться|нравится|поделиться|цитировать|yanıtla|cevapla|beğen|şikayet et
    відповісти|поскаржитися|odpovědět|nahlásit|válasz|responde|返信|回复|回覆|赞|いいね|답글|رد|إعجاب|תגובה
    your comment is awaiting moderation|comment awaiting moderation|says|wrote|said|sagt|sagte
    schrieb|dice|dijo|ha scritto|dit|a dit|a écrit|pisze|zegt|disse|diz|on|at|by|am|von|um|says on
    verified|author|mod|moderator|admin|op|autor|auteur|guest|gast|new|neu|anonymous coward
    permalink to this comment|link zum kommentar|nach oben|in reply to|comment link""".replace(
        "\n    ", "|"
    ).split("|")
)

# Words after (or before) a name that say that this person wrote.
AUTHOR_SUFFIX = (
    r"(?:says|said|wrote|writes|replied|commented|sagt|sagte|meint|schreibt|schrieb|kommentierte|"
    r"dit|a dit|a écrit|dice|dijo|escribió|ha dicho|ha scritto|scrive|disse|diz|escreveu|zegt|"
    r"schreef|pisze|napisał|napisała|säger|skrev|sier|siger|sanoo|kirjoitti|пишет|говорит|"
    r"написал|написала|diyor|dedi ki|yazdı|wrote on)"
)
AUTHOR_PREFIX = (
    r"(?:posted by|comment by|written by|submitted by|by|from|kommentar von|geschrieben von|von|"
    r"verfasst von|eintrag von|par|de|publicado por|escrito por|por|comentario de|comentário de|"
    r"commentaire de|commento di|scritto da|da|door|reactie van|napisał|skrevet av|af|av|автор)"
)

# What content systems put in brackets behind the names of people without an account.
UNVERIFIED = (
    "not verified|nicht überprüft|nicht verifiziert|non vérifié|no verificado|não verificado|"
    "niet gecontroleerd|non verificato|ej verifierad|ikke bekreftet|niezweryfikowany|"
    "не перевірено|не проверено|unregistered|guest|gast"
)

# Texts that stand where a comment was.
DELETED_TEXT = (
    r"\[(?:flagged|dead)\]|"  # words that alone may be a comment's own
    r"[\[(<«]?\s{0,2}(?:deleted|removed|gelöscht|supprimé|eliminado|borrado|удалено|usunięty|"
    r"comment (?:deleted|removed)|deleted comment|deleted by (?:user|author|moderator)|"
    r"(?:this|the) (?:comment|post|message) (?:has been|was|is|were) "
    r"(?:deleted|removed|hidden|blocked)"
    r"(?: by (?:a|an|the|its) (?:blog )?(?:author|administrator|moderator|moderators|admin|user|"
    r"owner|site administrator))?|"
    r"comment removed by (?:a |the )?moderator|removed by (?:reddit|moderator)|"
    r"(?:dieser|der) (?:kommentar|beitrag) wurde (?:[^.\n]{0,60} )?(?:gelöscht|entfernt)|"
    r"ce (?:commentaire|message) a été (?:supprimé|modéré)(?: par [^.\n]{0,60})?|"
    r"(?:este|el) comentario (?:ha sido|fue) (?:eliminado|borrado)(?: por [^.\n]{0,60})?|"
    r"este comentário foi (?:removido|excluído|eliminado)(?: [^.\n]{0,60})?|"
    r"questo commento è stato (?:eliminato|rimosso)(?: [^.\n]{0,60})?|"
    r"deze reactie is verwijderd(?: [^.\n]{0,60})?|комментарий удал[её]н)"
    r"\s{0,2}[.!]?\s{0,2}[\])>»]?"
)

# Services that keep a page's comments elsewhere: the name, a word that stands in any page with
# their embed (most pages have none, and looking for words is fast), and what the embed looks like.
HOSTED_ELSEWHERE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Disqus",
        ("disqus",),
        "#disqus_thread, script[src*='.disqus.com/embed'], script[src*='.disqus.com/count']",
    ),
    ("Facebook", ("fb-comments",), ".fb-comments, [class*='fb-comments']"),
    (
        "Coral",
        ("coral",),
        "#coral_talk_stream, #coral_thread, #coral-wrap, script[src*='coral.coralproject']",
    ),
    (
        "OpenWeb",
        ("spot-im", "spotim", "spot.im"),
        "[data-spotim-module], .spot-im-frame-inpage, script[src*='spot.im/launcher']",
    ),
    (
        "Viafoura",
        ("vf-conversations", "viafoura"),
        "vf-conversations, .viafoura vf-widget, div.vf-conversations",
    ),
    ("Hyvor Talk", ("hyvor-talk",), "hyvor-talk-comments, #hyvor-talk-view"),
    ("Discourse", ("discourse-comments",), "#discourse-comments"),
    ("giscus", ("giscus",), ".giscus, script[src*='giscus.app']"),
    ("utterances", ("utteranc",), ".utterances, script[src*='utteranc.es']"),
    ("Commento", ("commento",), "#commento"),
    ("Livefyre", ("livefyre",), "#livefyre-comments, .livefyre-comments"),
    ("Insticator", ("insticator",), "[id^='insticator-comment'], .insticator-unit"),
    ("Remark42", ("remark42",), "#remark42"),
    ("VK", ("vk_comments",), "#vk_comments"),
)
