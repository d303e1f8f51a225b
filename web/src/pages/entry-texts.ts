import { dictionary } from "../i18n/dictionary";

export const t = dictionary({
  motto: {
    ar: "اجتماعات الوزارة وبعثاتها ومراسلاتها، على شبكتها الخاصة.",
    en: "The ministry and its missions meet and correspond on their own network.",
    fr: "Le ministère et ses missions se réunissent et correspondent sur leur propre réseau.",
  },
  sign_in: { ar: "تسجيل الدخول", en: "Sign in", fr: "Se connecter" },
  login: { ar: "اسم المستخدم", en: "User name", fr: "Nom d’utilisateur" },
  password: { ar: "كلمة المرور", en: "Password", fr: "Mot de passe" },
  login_missing: { ar: "اكتب اسم المستخدم.", en: "Write your user name.", fr: "Saisissez votre nom d’utilisateur." },
  password_missing: { ar: "اكتب كلمة المرور.", en: "Write your password.", fr: "Saisissez votre mot de passe." },
  slowed: {
    ar: "أُبطئت المحاولات لحماية حسابك. يمكنك المحاولة مجددًا بعد {time}.",
    en: "Attempts are slowed down to protect your account. You can try again in {time}.",
    fr: "Les tentatives sont ralenties pour protéger votre compte. Vous pourrez réessayer dans {time}.",
  },
  slowed_over: { ar: "يمكنك المحاولة الآن.", en: "You can try again now.", fr: "Vous pouvez réessayer maintenant." },
  forgotten: {
    ar: "نسيت كلمة المرور؟ يعطيك مسؤول النظام كلمة جديدة.",
    en: "Forgotten the password? An administrator gives you a new one.",
    fr: "Mot de passe oublié ? Un administrateur vous en donnera un nouveau.",
  },
  demo_accounts: { ar: "حسابات التجربة", en: "Demonstration accounts", fr: "Comptes de démonstration" },
  demo_hint: {
    ar: "اختر شخصًا لملء الحقول ثم سجّل الدخول. افتح نافذة خاصة أخرى لتدخل شخصًا ثانيًا.",
    en: "Choose a person to fill in the fields, then sign in. Open another private window to be a second person.",
    fr: "Choisissez une personne pour remplir les champs, puis connectez-vous. Ouvrez une autre fenêtre privée pour être une seconde personne.",
  },
  demo_filled: {
    ar: "مُلئت الحقول باسم {name}.",
    en: "The fields are filled in for {name}.",
    fr: "Les champs sont remplis pour {name}.",
  },

  enrol: { ar: "تعيين أول مسؤول للنظام", en: "Enrol the first administrator", fr: "Enregistrer le premier administrateur" },
  enrol_text: {
    ar: "هذا الرابط يُستخدم مرة واحدة. بعدها تضيف أنت بقية الأشخاص من صفحة «الأشخاص».",
    en: "This link works once. Afterwards you add everyone else on the “People” page.",
    fr: "Ce lien ne fonctionne qu’une fois. Vous ajouterez ensuite les autres depuis la page « Personnes ».",
  },
  enrol_no_token: {
    ar: "الرابط ناقص. انسخه كاملًا من سجل الخادم.",
    en: "The link is not complete. Copy all of it from the server’s console.",
    fr: "Le lien est incomplet. Copiez-le en entier depuis la console du serveur.",
  },
  enrol_used: {
    ar: "استُخدم هذا الرابط أو لم يعد صالحًا. سجّل الدخول، أو أعد تشغيل الخادم للحصول على رابط جديد.",
    en: "This link was used or is no longer valid. Sign in, or restart the server for a new link.",
    fr: "Ce lien a déjà servi ou n’est plus valable. Connectez-vous, ou redémarrez le serveur pour obtenir un nouveau lien.",
  },
  enrol_action: { ar: "إنشاء الحساب والدخول", en: "Create the account and enter", fr: "Créer le compte et entrer" },
  name_ar: { ar: "الاسم بالعربية", en: "Name in Arabic", fr: "Nom en arabe" },
  name_en: { ar: "الاسم بالإنجليزية", en: "Name in English", fr: "Nom en anglais" },
  name_missing: { ar: "اكتب الاسم بلغة واحدة على الأقل.", en: "Write the name in at least one language.", fr: "Saisissez le nom dans au moins une langue." },
  login_hint: {
    ar: "حروف لاتينية أو عربية وأرقام، تفصل بينها نقطة عند الحاجة، مثل a.hassan",
    en: "Latin or Arabic letters and digits, with a dot between where needed, such as a.hassan",
    fr: "Lettres latines ou arabes et chiffres, séparés au besoin par un point, par exemple a.hassan",
  },
  login_invalid: {
    ar: "اسم المستخدم غير مقبول: حرفان على الأقل، لاتينية كلها أو عربية كلها، مع أرقام ونقاط فقط.",
    en: "This user name is not accepted: at least two letters, all Latin or all Arabic, digits and single dots only.",
    fr: "Ce nom d’utilisateur n’est pas accepté : au moins deux lettres, toutes latines ou toutes arabes, chiffres et points isolés uniquement.",
  },

  change: { ar: "تغيير كلمة المرور", en: "Change the password", fr: "Changer le mot de passe" },
  first_change: { ar: "اختر كلمة المرور الخاصة بك", en: "Choose your own password", fr: "Choisissez votre mot de passe" },
  first_change_text: {
    ar: "الكلمة التي دخلت بها يعرفها من أعطاك إياها. اختر كلمة لا يعرفها سواك، ثم تابع.",
    en: "The password that you came in with is known to whoever gave it to you. Choose one that only you know, then go on.",
    fr: "La personne qui vous a donné le mot de passe actuel le connaît. Choisissez-en un que vous seul connaissez, puis continuez.",
  },
  old_password: { ar: "كلمة المرور الحالية", en: "Present password", fr: "Mot de passe actuel" },
  new_password: { ar: "كلمة المرور الجديدة", en: "New password", fr: "Nouveau mot de passe" },
  new_password_hint: {
    ar: "{least} حرفًا على الأقل. أربع كلمات لا علاقة بينها أقوى وأسهل حفظًا.",
    en: "At least {least} characters. Four words that do not belong together are stronger and easier to keep.",
    fr: "Au moins {least} caractères. Quatre mots sans rapport sont plus sûrs et plus faciles à retenir.",
  },
  repeat_password: { ar: "كلمة المرور الجديدة مرة أخرى", en: "New password again", fr: "Nouveau mot de passe, encore une fois" },
  repeat_differs: { ar: "الكلمتان مختلفتان.", en: "The two are not the same.", fr: "Les deux mots de passe diffèrent." },
  old_wrong: { ar: "كلمة المرور الحالية غير صحيحة.", en: "The present password is not right.", fr: "Le mot de passe actuel est incorrect." },
  too_short: { ar: "كلمة المرور أقصر من {least} حرفًا.", en: "The password is shorter than {least} characters.", fr: "Le mot de passe compte moins de {least} caractères." },
  change_action: { ar: "تغيير ومتابعة", en: "Change and go on", fr: "Changer et continuer" },
  other_account: { ar: "الدخول بحساب آخر", en: "Sign in as somebody else", fr: "Se connecter avec un autre compte" },
});
