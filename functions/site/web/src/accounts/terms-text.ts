/**
 * The text of the terms of service and acceptable use, in every language. The operator of a deployment makes it theirs. A change
 * of its meaning needs a new version: here in `terms-version.ts`, and in `shared/domain/src/accounts/terms.rs`.
 */
import type { Language } from "../text";

/** A section of the terms. */
interface Section {
  title: string;
  text: string;
  items?: readonly string[];
}

/** The terms in every language. */
export const TERMS: Record<Language, readonly Section[]> = {
  en: [
    {
      title: "What this is",
      text: "These terms are between you and the operator of this service. The service generates images and videos from what you write and upload. You need an account, and you must be at least 18 years old or as old as the law of your country asks of adults.",
    },
    {
      title: "Your account",
      text: "One person uses one account. Keep your password to yourself, and tell us if another person has it. You can delete your account whenever you want.",
    },
    {
      title: "What you make",
      text: "What you write, upload and generate stays yours, as far as the law gives rights to it. You allow us to store and process it, only to provide the service to you. It is private unless you publish or share it. What you publish or share can be seen and saved by others.",
    },
    {
      title: "What you must not do",
      text: "You must not generate, upload, publish or share, or try to:",
      items: [
        "sexual or nude depictions of minors, real or invented, or anything that sexualizes them",
        "intimate images of a real person, or the undressing of one",
        "sexually explicit depictions, and nudity outside of art and medicine",
        "threats, harassment, and what reveals a person's private life without their consent",
        "hatred of groups of people, and praise of violence or terrorism",
        "images that deceive others about a real person or event",
        "what infringes the rights of others, such as copyrights and trademarks",
        "help with illegal goods, forged documents, self-harm or violence",
        "anything else that is illegal where you are or where we are",
      ],
    },
    {
      title: "Fair use of the service",
      text: "Do not get around limits, checks or payments, do not resell access without our consent, and do not attack the service or others with it. Do not remove the marks that show that an image or a video is generated, and do not pass it off as a photo of something that happened.",
    },
    {
      title: "What we check",
      text: "A program checks every prompt, and depending on this deployment starting images and results too, before anything is generated or stored. What it blocks is not charged. Nobody looks at your private images and videos. What you publish or share, others can report.",
    },
    {
      title: "What follows if you break these terms",
      text: "A person decides about each report. We can hide or delete an image or a video, suspend publishing, or freeze an account. You get the reasons, and you can appeal once within six months; another person decides about the appeal. We report what the law tells us to report.",
    },
    {
      title: "Credits",
      text: "Credits pay for generations. Prices are shown before you generate. What fails is returned. Credits do not expire. Your rights as a consumer, such as the right to withdraw from a purchase, stay as they are.",
    },
    {
      title: "What we are liable for",
      text: "Results of AI can be wrong, and others may get similar ones. We are liable without limit for intent and gross negligence, for harm to life, body and health, and where the law demands it; otherwise for the breach of essential duties, up to the harm that is typical and foreseeable.",
    },
    {
      title: "Changes, law and contact",
      text: "If these terms change, we ask you to accept them. If you don't, you can delete your account and take your data with you. The law of the country in which the operator is established applies, without taking away what the law of your own country gives consumers. You reach us on the page Support.",
    },
  ],
  de: [
    {
      title: "Worum es geht",
      text: "Diese Bedingungen gelten zwischen dir und dem Betreiber dieses Dienstes. Der Dienst erzeugt Bilder und Videos aus dem, was du schreibst und hochlädst. Du brauchst ein Konto und musst mindestens 18 Jahre alt sein oder so alt, wie es das Recht deines Landes von Erwachsenen verlangt.",
    },
    {
      title: "Dein Konto",
      text: "Ein Konto wird von einer Person genutzt. Behalte dein Passwort für dich und sag uns Bescheid, wenn es jemand anderes hat. Du kannst dein Konto jederzeit löschen.",
    },
    {
      title: "Was du erstellst",
      text: "Was du schreibst, hochlädst und erzeugst, bleibt deines, soweit das Recht Rechte daran gibt. Du erlaubst uns, es zu speichern und zu verarbeiten, und zwar nur, um den Dienst für dich zu erbringen. Es ist privat, solange du es nicht veröffentlichst oder teilst. Was du veröffentlichst oder teilst, können andere sehen und speichern.",
    },
    {
      title: "Was nicht erlaubt ist",
      text: "Du darfst Folgendes nicht erzeugen, hochladen, veröffentlichen oder teilen und es auch nicht versuchen:",
      items: [
        "sexuelle oder nackte Darstellungen Minderjähriger, echter oder erfundener, und alles, was sie sexualisiert",
        "intime Bilder einer echten Person oder das Entkleiden einer Person",
        "sexuell explizite Darstellungen und Nacktheit außerhalb von Kunst und Medizin",
        "Drohungen, Belästigung und was das Privatleben einer Person ohne ihre Einwilligung offenlegt",
        "Hass auf Gruppen von Menschen und die Verherrlichung von Gewalt oder Terrorismus",
        "Bilder, die andere über eine echte Person oder ein echtes Ereignis täuschen",
        "was die Rechte anderer verletzt, etwa Urheber- und Markenrechte",
        "Hilfe zu verbotenen Waren, gefälschten Dokumenten, Selbstverletzung oder Gewalt",
        "alles andere, was dort, wo du bist oder wo wir sind, verboten ist",
      ],
    },
    {
      title: "Faire Nutzung",
      text: "Umgehe keine Grenzen, Prüfungen oder Zahlungen, verkaufe den Zugang nicht ohne unsere Zustimmung weiter und greife weder den Dienst noch andere mit ihm an. Entferne nicht die Kennzeichen, die zeigen, dass ein Bild oder Video erzeugt ist, und gib es nicht als Foto eines wirklichen Geschehens aus.",
    },
    {
      title: "Was wir prüfen",
      text: "Ein Programm prüft jeden Prompt und je nach Installation auch Startbilder und Ergebnisse, bevor etwas erzeugt oder gespeichert wird. Was es blockiert, wird nicht berechnet. Niemand sieht sich deine privaten Bilder und Videos an. Was du veröffentlichst oder teilst, können andere melden.",
    },
    {
      title: "Was bei Verstößen geschieht",
      text: "Über jede Meldung entscheidet ein Mensch. Wir können ein Bild oder Video verbergen oder löschen, das Veröffentlichen sperren oder ein Konto einfrieren. Du erhältst die Gründe und kannst innerhalb von sechs Monaten einmal Widerspruch einlegen; darüber entscheidet ein anderer Mensch. Was wir nach dem Gesetz melden müssen, melden wir.",
    },
    {
      title: "Credits",
      text: "Mit Credits bezahlst du Generierungen. Preise werden angezeigt, bevor du generierst. Was fehlschlägt, wird erstattet. Credits verfallen nicht. Deine Rechte als Verbraucher, etwa das Recht zum Widerruf eines Kaufs, bleiben unberührt.",
    },
    {
      title: "Wofür wir haften",
      text: "Ergebnisse von KI können falsch sein, und andere können ähnliche erhalten. Wir haften unbeschränkt bei Vorsatz und grober Fahrlässigkeit, bei Schäden an Leben, Körper und Gesundheit und wo das Gesetz es verlangt; sonst für die Verletzung wesentlicher Pflichten bis zum typischen, vorhersehbaren Schaden.",
    },
    {
      title: "Änderungen, Recht und Kontakt",
      text: "Wenn sich diese Bedingungen ändern, bitten wir dich, ihnen zuzustimmen. Wenn du das nicht tust, kannst du dein Konto löschen und deine Daten mitnehmen. Es gilt das Recht des Landes, in dem der Betreiber sitzt, ohne dir zu nehmen, was das Recht deines Landes Verbrauchern gibt. Du erreichst uns auf der Seite Support.",
    },
  ],
};
