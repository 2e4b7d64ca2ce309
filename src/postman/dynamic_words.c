// SPDX-License-Identifier: Apache-2.0
// The words that dynamic variables draw from. Data only: any of them may be changed freely.
#include "postman/dynamic.h"

static const struct {
    const char *name;
    const char *words;
} lists[] = {
    {"abbreviation",
     "TCP|HTTP|SDD|RAM|GB|CSS|SSL|AGP|SQL|FTP|PCI|AI|ADP|RSS|XML|EXE|COM|HDD|THX|SMTP|"
     "SMS|USB|PNG|SAS|IB|SCSI|JSON|XSS|JBOD"},
    {"account",
     "Checking|Savings|Auto Loan|Credit Card|Money Market|Investment|Home Loan|Personal Loan"},
    {"adjective",
     "auxiliary|primary|back-end|digital|open-source|virtual|cross-platform|redundant|"
     "online|haptic|multi-byte|bluetooth|wireless|1080p|neural|optical|solid state|mobile"},
    {"boolean", "true|false"},
    {"bs_adjective",
     "clicks-and-mortar|value-added|vertical|proactive|robust|revolutionary|scalable|"
     "leading-edge|innovative|intuitive|strategic|e-business|mission-critical|sticky|"
     "one-to-one|24/7|end-to-end|global|B2B|granular|frictionless|virtual|viral|dynamic"},
    {"bs_buzz",
     "implement|utilize|integrate|streamline|optimize|evolve|transform|embrace|enable|"
     "orchestrate|leverage|reinvent|aggregate|architect|enhance|incentivize|morph|empower|"
     "envisioneer|monetize|harness|facilitate|seize|disintermediate"},
    {"bs_noun", "synergies|web-readiness|paradigms|markets|partnerships|infrastructures|platforms|"
                "initiatives|channels|eyeballs|communities|ROI|solutions|e-tailers|action-items|"
                "portals|niches|technologies|content|supply-chains|convergence|relationships"},
    {"catch_adjective", "Adaptive|Advanced|Ameliorated|Assimilated|Automated|Balanced|Centralized|"
                        "Compatible|Configurable|Cross-group|Decentralized|Distributed|Ergonomic|"
                        "Exclusive|Expanded|Focused|Fundamental|Horizontal|Implemented|Integrated"},
    {"catch_descriptor",
     "24 hour|24/7|3rd generation|4th generation|actuating|analyzing|asymmetric|"
     "asynchronous|background|bandwidth-monitored|bifurcated|bottom-line|client-server|"
     "coherent|cohesive|composite|content-based|context-sensitive|dedicated"},
    {"catch_noun",
     "ability|access|adapter|algorithm|alliance|analyzer|application|approach|architecture|"
     "archive|array|attitude|benchmark|capability|capacity|challenge|circuit|collaboration"},
    {"city",
     "Ashford|Brookhaven|Cedar Falls|Dunmore|Eastport|Fairview|Greenwich|Harborside|Ironbridge|"
     "Juniper Hills|Kingsbury|Lakewood|Marlow|Newhaven|Oakridge|Port Ellen|Queensferry|"
     "Riverton|Stonefield|Thornbury|Upton|Valley Springs|Westbrook|Yarrow"},
    {"color",
     "red|green|blue|yellow|purple|mint green|teal|white|black|orange|pink|grey|maroon|violet|"
     "turquoise|tan|sky blue|salmon|plum|orchid|olive|magenta|lime|ivory|indigo|gold|fuchsia|"
     "cyan|azure|lavender|silver"},
    {"column",
     "id|title|name|email|phone|token|group|category|password|comment|avatar|status|createdAt|"
     "updatedAt"},
    {"common_ext", "gif|htm|html|jpeg|m2a|m2v|mp2|mp3|mp4|mp4v|mpeg|mpg|mpg4|pdf|png|shtml|wav"},
    {"common_type", "video|audio|image|text|application"},
    {"company_suffix", "Inc|and Sons|LLC|Group"},
    {"country",
     "Argentina|Australia|Austria|Belgium|Brazil|Canada|Chile|Denmark|Egypt|Estonia|Finland|"
     "France|Germany|Ghana|Greece|Iceland|India|Indonesia|Ireland|Italy|Japan|Kenya|Latvia|"
     "Mexico|Morocco|Nepal|Netherlands|New Zealand|Norway|Peru|Poland|Portugal|Senegal|"
     "Singapore|Spain|Sweden|Switzerland|Tunisia|Uruguay|Vietnam"},
    {"country_code",
     "AR|AT|AU|BE|BR|CA|CH|CL|DE|DK|EE|EG|ES|FI|FR|GB|GH|GR|ID|IE|IN|IS|IT|JP|KE|LV|MA|"
     "MX|NL|NO|NP|NZ|PE|PL|PT|SE|SG|SN|TN|US|UY|VN"},
    {"collation", "utf8_unicode_ci|utf8_general_ci|utf8_bin|ascii_bin|ascii_general_ci|cp1250_bin|"
                  "cp1250_general_ci"},
    {"currency",
     "US Dollar|Euro|Pound Sterling|Yen|Swiss Franc|Canadian Dollar|Australian Dollar|"
     "Danish Krone|Norwegian Krone|Swedish Krona|Zloty|Czech Koruna|Forint|Brazilian Real|"
     "Rand|Indian Rupee|Singapore Dollar|Baht|Won|New Zealand Dollar"},
    {"currency_code",
     "USD|EUR|GBP|JPY|CHF|CAD|AUD|DKK|NOK|SEK|PLN|CZK|HUF|BRL|ZAR|INR|SGD|THB|KRW|NZD"},
    {"currency_symbol", "$|€|£|¥|kr|zł|Kč|Ft|R$|R|฿|₩|₺|₪"},
    {"db_type",
     "int|varchar|text|date|datetime|tinyint|time|timestamp|smallint|serial|bigint|decimal|"
     "float|double|real|boolean|char|blob|enum|set|geometry|point|binary"},
    {"department",
     "Books|Movies|Music|Games|Electronics|Computers|Home|Garden|Tools|Grocery|Health|Beauty|"
     "Toys|Kids|Baby|Clothing|Shoes|Jewelery|Sports|Outdoors|Automotive|Industrial"},
    {"directory",
     "/Applications|/bin|/boot|/dev|/etc|/etc/defaults|/etc/mail|/home|/home/user|"
     "/home/user/dir|/lib|/media|/mnt|/net|/opt|/opt/bin|/opt/lib|/private|/private/tmp|/proc|"
     "/root|/sbin|/srv|/sys|/tmp|/Users|/usr|/usr/bin|/usr/lib|/usr/libexec|/usr/local/bin|"
     "/usr/local/src|/usr/sbin|/usr/share|/usr/src|/var|/var/log|/var/mail|/var/spool|/var/tmp"},
    {"domain_suffix", "com|biz|info|name|net|org"},
    {"engine", "InnoDB|MyISAM|MEMORY|CSV|BLACKHOLE|ARCHIVE"},
    {"ext",
     "css|csv|doc|epub|gif|gz|html|ics|jar|jpg|js|json|md|mov|mp3|mp4|odt|pdf|png|ps|rtf|svg|tar|"
     "tiff|ttf|txt|wav|webm|woff|xlsx|xml|yaml|zip"},
    {"file_type",
     "x-shader|x-conference|video|text|model|message|image|font|chemical|audio|application"},
    {"first_name",
     "Ada|Alan|Amina|Anders|Beatriz|Boris|Carmen|Chen|Clara|Daniel|Dora|Edsger|Elena|Emeka|"
     "Farid|Grace|Hana|Henrik|Ines|Ivan|Jamal|Joan|Kenji|Lars|Leila|Linus|Maya|Miguel|Nadia|"
     "Niklaus|Olga|Omar|Priya|Quentin|Rosa|Samuel|Sofia|Tomas|Uma|Viktor|Wanda|Yuki|Zoe"},
    {"hacker_noun",
     "driver|protocol|bandwidth|panel|microchip|program|port|card|array|interface|system|"
     "sensor|firewall|hard drive|pixel|alarm|feed|monitor|application|transmitter|bus|"
     "circuit|capacitor|matrix"},
    {"ingverb",
     "backing up|bypassing|hacking|overriding|compressing|copying|navigating|indexing|connecting|"
     "generating|quantifying|calculating|synthesizing|transmitting|programming|parsing"},
    {"job_area",
     "Solutions|Program|Brand|Security|Research|Marketing|Directives|Implementation|Integration|"
     "Functionality|Response|Paradigm|Tactics|Identity|Markets|Group|Division|Applications|"
     "Optimization|Operations|Infrastructure|Intranet|Communications|Web|Branding|Quality"},
    {"job_descriptor",
     "Lead|Senior|Direct|Corporate|Dynamic|Future|Product|National|Regional|District|"
     "Central|Global|Customer|Investor|International|Legacy|Forward|Internal|Human|Chief"},
    {"job_type",
     "Supervisor|Associate|Executive|Liaison|Officer|Manager|Engineer|Specialist|Director|"
     "Coordinator|Administrator|Architect|Analyst|Designer|Planner|Technician|Developer|"
     "Producer|Consultant|Assistant|Facilitator|Agent|Representative|Strategist"},
    {"last_name",
     "Abara|Andersen|Bauer|Bianchi|Castro|Chaudhry|Costa|Dubois|Eriksen|Ferrari|Fischer|Garcia|"
     "Haddad|Hansen|Hughes|Ito|Jansen|Kaur|Keller|Kim|Kowalski|Larsen|Lindgren|Lopez|Martin|"
     "Mbeki|Moreau|Nakamura|Novak|Okafor|Olsen|Patel|Petrov|Quinn|Rossi|Santos|Schmidt|Silva|"
     "Suzuki|Tanaka|Virtanen|Weber|Wood|Young|Zhang"},
    {"locale",
     "af|am|ar|az|be|bg|bn|bs|ca|cs|cy|da|de|el|en|eo|es|et|eu|fa|fi|fil|fr|ga|gl|gu|he|hi|hr|hu|"
     "hy|id|is|it|ja|ka|kk|km|kn|ko|ku|ky|la|lt|lv|mk|ml|mn|mr|ms|mt|ne|nl|no|pa|pl|ps|pt|ro|ru|"
     "si|sk|sl|so|sq|sr|sv|sw|ta|te|tg|th|ti|tk|tr|uk|ur|uz|vi|yo|zh|zu"},
    {"lorem",
     "alias|consequatur|aut|perferendis|sit|voluptatem|accusantium|doloremque|aperiam|eaque|ipsa|"
     "quae|ab|illo|inventore|veritatis|et|quasi|architecto|beatae|vitae|dicta|sunt|explicabo|"
     "aspernatur|odit|fugit|sed|quia|consequuntur|magni|dolores|eos|qui|ratione|sequi|nesciunt|"
     "neque|dolorem|ipsum|dolor|amet|consectetur|adipisci|velit|non|numquam|eius|modi|tempora"},
    {"material", "Steel|Wooden|Concrete|Plastic|Cotton|Granite|Rubber|Metal|Soft|Fresh|Frozen"},
    {"mime",
     "application/json|application/pdf|application/xml|application/zip|audio/mpeg|audio/ogg|"
     "font/woff2|image/gif|image/jpeg|image/png|image/svg+xml|text/css|text/csv|text/html|"
     "text/markdown|text/plain|video/mp4|video/webm"},
    {"month",
     "January|February|March|April|May|June|July|August|September|October|November|December"},
    {"name_prefix", "Mr.|Mrs.|Ms.|Miss|Dr."},
    {"name_suffix", "Jr.|Sr.|I|II|III|IV|V|MD|DDS|PhD|DVM"},
    {"product",
     "Chair|Car|Computer|Keyboard|Mouse|Bike|Ball|Gloves|Pants|Shirt|Table|Shoes|Hat|Towels|Soap|"
     "Tuna|Chicken|Fish|Cheese|Bacon|Pizza|Salad|Sausages|Chips"},
    {"product_adjective",
     "Small|Ergonomic|Rustic|Intelligent|Gorgeous|Incredible|Fantastic|Practical|Sleek|"
     "Awesome|Generic|Handcrafted|Handmade|Licensed|Refined|Unbranded|Tasty"},
    {"protocol", "http|https"},
    {"street",
     "Alley|Avenue|Bridge|Circle|Court|Crescent|Drive|Field|Gardens|Grove|Hill|Lane|Mews|Park|"
     "Place|Road|Row|Square|Street|Terrace|Walk|Way"},
    {"transaction", "deposit|withdrawal|payment|invoice"},
    {"verb",
     "back "
     "up|bypass|hack|override|compress|copy|navigate|index|connect|generate|quantify|calculate|"
     "synthesize|input|transmit|program|reboot|parse"},
    {"weekday", "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"},
    {"word",
     "anchor|bridge|candle|dynamic|engine|forest|garden|harbour|island|journey|kettle|lantern|"
     "meadow|network|orchard|protocol|quartz|river|signal|timber|upward|violet|window|yonder|"
     "zenith"},
};

const char *dynamic_words(str list)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (str_eq(list, str_from(lists[i].name)))
            return lists[i].words;
    return NULL;
}
