/** The messages of the console, in the language of the person. */
import { computed } from "@preact/signals";

import { type Language, language } from "../../text";
import { messages as german } from "./de";
import { messages as english, type Messages } from "./en";

const MESSAGES: Record<Language, Messages> = { en: english, de: german };

export const staffText = computed(() => MESSAGES[language.value]);
