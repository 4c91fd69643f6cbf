/** Word lists for samples. People are drawn name by name from common names, companies from plain words: nobody real. */

/** A name, and how it is spelt in an address where the two differ. */
type Name = string | readonly [name: string, latin: string];

export interface NameGroup {
  locale: string;
  first: readonly [Name, ...Name[]];
  last: readonly [Name, ...Name[]];
}

// prettier-ignore
export const NAME_GROUPS: readonly [NameGroup, ...NameGroup[]] = [
  { locale: 'en-US', first: ['Grace', 'Marcus', 'Hannah', 'Tyler', 'Naomi', 'Caleb', 'Joanna', 'Derek'],
    last: ['Whitfield', 'Harper', 'Langley', 'Brooks', 'Carver', 'Ellison', 'Marsh', 'Tate'] },
  { locale: 'en-IE', first: ['Aoife', ['Seán', 'sean'], 'Niamh', ['Róisín', 'roisin'], 'Declan', ['Pádraig', 'padraig']],
    last: [["O'Brien", 'obrien'], ["O'Dowd", 'odowd'], 'Kavanagh', 'Brennan', ['Ní Bhriain', 'nibhriain'], 'Quinlan'] },
  { locale: 'fr-FR', first: [['Amélie', 'amelie'], ['François', 'francois'], ['Zoé', 'zoe'], 'Luc', ['Jean-Noël', 'jean-noel'], ['Hélène', 'helene']],
    last: ['Delorme', ['Lefèvre', 'lefevre'], ['Béranger', 'beranger'], 'Marchand', ['Hébrard', 'hebrard'], 'Roussel'] },
  { locale: 'de-DE', first: [['Jürgen', 'juergen'], 'Anke', ['Björn', 'bjoern'], 'Katrin', ['Käthe', 'kaethe'], 'Tobias'],
    last: [['Müller', 'mueller'], ['Groß', 'gross'], 'Vogel', ['Schäfer', 'schaefer'], 'Lindner', ['Böhm', 'boehm']] },
  { locale: 'pl-PL', first: [['Łukasz', 'lukasz'], ['Małgorzata', 'malgorzata'], 'Zofia', ['Paweł', 'pawel'], 'Ewa', ['Grażyna', 'grazyna']],
    last: ['Kowalczyk', ['Wiśniewska', 'wisniewska'], ['Gołąb', 'golab'], 'Sikora', ['Żak', 'zak'], 'Mazur'] },
  { locale: 'es-ES', first: [['Iñigo', 'inigo'], ['Lucía', 'lucia'], ['José', 'jose'], 'Marta', ['Ramón', 'ramon'], ['Begoña', 'begona']],
    last: [['García Peña', 'garciapena'], ['Muñoz', 'munoz'], 'Serrano', ['Ibáñez', 'ibanez'], 'Campos', ['Yagüe', 'yague']] },
  { locale: 'nb-NO', first: [['Øyvind', 'oyvind'], 'Ingrid', ['Åse', 'ase'], ['Håkon', 'hakon'], ['Bjørg', 'bjorg'], 'Sigrid'],
    last: [['Østby', 'ostby'], 'Haugen', ['Ødegård', 'odegard'], 'Solberg', ['Bråten', 'braten'], 'Lund'] },
  { locale: 'tr-TR', first: [['Çağla', 'cagla'], ['İrem', 'irem'], 'Emre', ['Gökçe', 'gokce'], ['Işık', 'isik'], 'Deniz'],
    last: [['Yıldız', 'yildiz'], ['Şahin', 'sahin'], 'Demir', ['Öztürk', 'ozturk'], ['Çelik', 'celik'], 'Aksoy'] },
  { locale: 'vi-VN', first: [['Thảo', 'thao'], 'Minh', ['Hương', 'huong'], ['Đức', 'duc'], ['Tuấn', 'tuan'], 'Lan'],
    last: [['Nguyễn', 'nguyen'], ['Trần', 'tran'], ['Phạm', 'pham'], ['Vũ', 'vu'], ['Đặng', 'dang'], ['Hoàng', 'hoang']] },
  { locale: 'ja-JP', first: [['美咲', 'misaki'], ['健太', 'kenta'], ['結衣', 'yui'], ['翔', 'sho'], ['さくら', 'sakura'], ['大輔', 'daisuke']],
    last: [['佐藤', 'sato'], ['高橋', 'takahashi'], ['渡辺', 'watanabe'], ['小林', 'kobayashi'], ['山口', 'yamaguchi'], ['森', 'mori']] },
  { locale: 'uk-UA', first: [['Оксана', 'oksana'], ['Тарас', 'taras'], ['Юлія', 'yuliia'], ['Богдан', 'bohdan'], ['Ганна', 'hanna'], ['Андрій', 'andrii']],
    last: [['Шевчук', 'shevchuk'], ['Мельник', 'melnyk'], ['Коваленко', 'kovalenko'], ['Лисенко', 'lysenko'], ['Бондар', 'bondar'], ['Ткачук', 'tkachuk']] },
  { locale: 'ar-EG', first: [['ليلى', 'layla'], ['عمر', 'omar'], ['نور', 'nour'], ['يوسف', 'youssef'], ['هناء', 'hanaa'], ['كريم', 'karim']],
    last: [['منصور', 'mansour'], ['الشريف', 'elsherif'], ['حداد', 'haddad'], ['سالم', 'salem'], ['النجار', 'elnaggar'], ['فارس', 'fares']] },
];

// prettier-ignore
export const COMPANY_WORDS = {
  first: ['Amber', 'Bright', 'Copper', 'Distant', 'Eastern', 'Fallow', 'Gentle', 'Hollow', 'Ivory', 'Juniper', 'Quiet', 'Tidal'],
  second: ['Heron', 'Lantern', 'Meadow', 'Harbour', 'Orchard', 'Pebble', 'Quarry', 'Ridge', 'Sparrow', 'Thicket', 'Willow', 'Beacon'],
  kind: ['Logistics', 'Studio', 'Labs', 'Foods', 'Clinic', 'Energy', 'Press', 'Works', 'Travel', 'Supply'],
} as const;

export const EMAIL_DOMAINS = ['example.com', 'example.org', 'example.net'] as const;

export function readName(name: Name): { written: string; latin: string } {
  return typeof name === 'string'
    ? { written: name, latin: name.toLowerCase() }
    : { written: name[0], latin: name[1] };
}
