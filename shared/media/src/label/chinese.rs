//! Glyphs of 16 by 16 pixels for the Chinese words of a visible label.
//!
//! They are those of the font `gb16st` (`font-isas-misc` of X.Org, in the Debian package `xfonts-base`), under this licence:
//!
//! > Copyright (C) 1988  The Institute of Software, Academia Sinica.
//! >
//! > Correspondence Address:  P.O.Box 8718, Beijing, China 100080.
//! >
//! > Permission to use, copy, modify, and distribute this software and its documentation for any purpose and without fee is
//! > hereby granted, provided that the above copyright notices appear in all copies and that both those copyright notices and
//! > this permission notice appear in supporting documentation, and that the name of "the Institute of Software, Academia Sinica"
//! > not be used in advertising or publicity pertaining to distribution of the software without specific, written prior
//! > permission.  The Institute of Software, Academia Sinica, makes no representations about the suitability of this software for
//! > any purpose.  It is provided "as is" without express or implied warranty.
//! >
//! > THE INSTITUTE OF SOFTWARE, ACADEMIA SINICA, DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE, INCLUDING ALL IMPLIED
//! > WARRANTIES OF MERCHANTABILITY AND FITNESS, IN NO EVENT SHALL THE INSTITUTE OF SOFTWARE, ACADEMIA SINICA, BE LIABLE FOR ANY
//! > SPECIAL, INDIRECT OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN
//! > AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
//! > THIS SOFTWARE.

/// The characters with their rows from the top, in each the leftmost pixel as the highest bit. They are those of the words for
/// artificial intelligence (人工智能), generated (生成) and synthesized (合成).
pub(super) const GLYPHS: [(char, [u16; 16]); 7] = [
    (
        '人',
        [
            0x0100, 0x01c0, 0x0180, 0x0180, 0x0180, 0x0180, 0x0340, 0x0340, 0x0360, 0x0620, 0x0630, 0x0c18, 0x181c,
            0x100e, 0x2007, 0x4002,
        ],
    ),
    (
        '工',
        [
            0x0000, 0x0008, 0x3ffc, 0x0180, 0x0180, 0x0180, 0x0180, 0x0180, 0x0180, 0x0180, 0x0180, 0x0180, 0x0180,
            0x0184, 0x7ffe, 0x0000,
        ],
    ),
    (
        '智',
        [
            0x1000, 0x3141, 0x3fff, 0x2c63, 0x4d63, 0x7fe3, 0x0c63, 0x1b7f, 0x21c2, 0x5088, 0x1ffc, 0x1818, 0x1ff8,
            0x1818, 0x1ff8, 0x1018,
        ],
    ),
    (
        '能',
        [
            0x0844, 0x0c66, 0x1a6c, 0x3170, 0x7fe2, 0x217f, 0x3fbe, 0x3300, 0x3f44, 0x3366, 0x336c, 0x3f78, 0x3362,
            0x3362, 0x377f, 0x223e,
        ],
    ),
    (
        '生',
        [
            0x0080, 0x08c0, 0x0cc0, 0x18c4, 0x1ffe, 0x30c0, 0x20c0, 0x40c8, 0x0ffc, 0x00c0, 0x00c0, 0x00c0, 0x00c0,
            0x00c2, 0x7fff, 0x0000,
        ],
    ),
    (
        '成',
        [
            0x0050, 0x006e, 0x1064, 0x1fff, 0x1860, 0x1862, 0x18b3, 0x1ff6, 0x19b6, 0x19b4, 0x19bc, 0x1998, 0x371d,
            0x323d, 0x2067, 0x4083,
        ],
    ),
    (
        '合',
        [
            0x00c0, 0x0180, 0x03c0, 0x0660, 0x0c38, 0x180c, 0x3017, 0x4ffa, 0x0000, 0x0808, 0x0ffc, 0x0c18, 0x0c18,
            0x0c18, 0x0ff8, 0x0810,
        ],
    ),
];
