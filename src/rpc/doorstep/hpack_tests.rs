use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;

use crate::rpc::doorstep::HpackError;
use crate::rpc::doorstep::decoder::Decoder;
use crate::rpc::doorstep::field::Field;
use crate::rpc::doorstep::huffman::tests::encode as huffman;
use crate::rpc::doorstep::table::FIXED;
use crate::rpc::doorstep::table::Table;

#[test]
fn the_fields_of_the_rfc_are_read() {
    let cases = [
        // C.2.1 to C.2.4
        (
            "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
            "custom-key: custom-header",
            false,
        ),
        ("040c2f73616d706c652f70617468", ":path: /sample/path", false),
        (
            "100870617373776f726406736563726574",
            "password: secret",
            true,
        ),
        ("82", ":method: GET", false),
    ];
    for (block, field, secret) in cases {
        let fields = Decoder::new(1000).decode(&hex(block)).unwrap();
        assert_eq!(lines(&fields), field);
        assert_eq!(fields[0].secret, secret);
    }
}

#[test]
fn the_requests_of_the_rfc_are_read() {
    let plain = [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ];
    let huffman = [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ];
    let lists = [
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com",
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache",
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value",
    ];
    for blocks in [plain, huffman] {
        let mut decoder = Decoder::new(1000);
        for (block, list) in blocks.into_iter().zip(lists) {
            assert_eq!(lines(&decoder.decode(&hex(block)).unwrap()), list);
        }
    }
}

#[test]
fn the_responses_of_the_rfc_are_read_with_their_evictions() {
    let plain = [
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54\
         6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d\
         4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273\
         696f6e3d31",
    ];
    let huffman = [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b\
         97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdf\
         cd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ];
    let lists = [
        ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com",
        ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com",
        ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\n\
         content-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ];
    for blocks in [plain, huffman] {
        let mut decoder = Decoder::new(1000);
        // The RFC's table has 256 bytes.
        assert_eq!(decoder.decode(&[0x3f, 0xe1, 0x01]), Ok(vec![]));
        for (block, list) in blocks.into_iter().zip(lists) {
            assert_eq!(lines(&decoder.decode(&hex(block)).unwrap()), list);
        }
    }
}

#[test]
fn what_no_encoder_writes_is_refused() {
    use HpackError::BadTableSize;
    use HpackError::Short;
    use HpackError::TooLarge;
    use HpackError::UnknownIndex;

    let cases = [
        ("80", UnknownIndex { index: 0 }),
        ("be", UnknownIndex { index: 62 }),
        (
            "ff80808001",
            UnknownIndex {
                index: 127 + (1 << 21),
            },
        ),
        ("ffffffffffff", TooLarge),
        ("0f", Short),
        ("4003", Short),
        ("00056162", Short),
        // 4097 bytes, and a size after a field.
        ("3fe21f", BadTableSize),
        ("8220", BadTableSize),
    ];
    for (block, why) in cases {
        assert_eq!(Decoder::new(1000).decode(&hex(block)), Err(why), "{block}");
    }
}

#[test]
fn a_block_that_unfolds_into_too_much_is_refused() {
    let mut decoder = Decoder::new(64 * 1024);
    let mut bomb = vec![0x40, 1, b'a', 0x7f, 0xa1, 0x1e];
    bomb.extend(vec![b'b'; 4000]);
    assert_eq!(bomb.len(), 4006);
    bomb.extend(vec![0xbe; 12_000]);
    assert_eq!(decoder.decode(&bomb), Err(HpackError::TooLarge));
}

/// How an encoder may write a text.
#[derive(Clone, Copy, Debug)]
enum Letters {
    Huffman,
    Plain,
}

/// A field, and how to write it.
#[derive(Clone, Debug)]
struct Item {
    field: (Bytes, Bytes),
    form: Form,
    letters: Letters,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Indexed,
    Entered,
    Plain,
    Never,
}

proptest! {
    #[test]
    fn whatever_an_encoder_may_write_is_read_and_written_again(
        blocks in vec((proptest::option::of(0_usize..=Table::MOST_BYTES), vec(item(), 0..12)), 1..8),
    ) {
        let mut encoder = Encoder { table: Table::new() };
        let mut decoder = Decoder::new(1 << 20);
        for (room, items) in blocks {
            let mut block = Vec::new();
            if let Some(room) = room {
                integer(room, 5, 0x20, &mut block);
                assert!(encoder.table.resize(room));
            }
            for item in &items {
                encoder.write(item, &mut block);
            }
            let fields = decoder.decode(&block).unwrap();
            let expected: Vec<Field> = items.into_iter().map(|item| Field {
                name: item.field.0,
                value: item.field.1,
                secret: matches!(item.form, Form::Never),
            }).collect();
            prop_assert_eq!(&fields, &expected);
            let mut again = Vec::new();
            for field in &fields {
                field.encode(&mut again);
            }
            prop_assert_eq!(Decoder::new(1 << 20).decode(&again), Ok(expected));
        }
    }

    #[test]
    fn any_bytes_give_an_answer(block in vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::new(1000);
        let _answer = decoder.decode(&block);
    }
}

fn item() -> impl Strategy<Value = Item> {
    let form = prop_oneof![
        Just(Form::Indexed),
        Just(Form::Entered),
        Just(Form::Plain),
        Just(Form::Never)
    ];
    let letters = prop_oneof![Just(Letters::Huffman), Just(Letters::Plain)];
    let fixed = (0..FIXED.len()).prop_map(|at| (FIXED[at].0.into(), FIXED[at].1.into()));
    let few = ("[a-d]{1,2}", "[x-z]{0,2}").prop_map(|(name, value)| (name.into(), value.into()));
    let other = (vec(any::<u8>(), 1..200), vec(any::<u8>(), 0..600))
        .prop_map(|(name, value)| (name.into(), value.into()));
    (prop_oneof![fixed, few, other], form, letters).prop_map(|(field, form, letters)| Item {
        field,
        form,
        letters,
    })
}

/// Writes fields in any form that HPACK has.
struct Encoder {
    table: Table,
}

impl Encoder {
    fn write(&mut self, item: &Item, block: &mut Vec<u8>) {
        let all: Vec<_> = (1..200).map_while(|index| self.table.get(index)).collect();
        let whole = all.iter().position(|field| *field == item.field);
        if let (Form::Indexed, Some(at)) = (item.form, whole) {
            return integer(at + 1, 7, 0x80, block);
        }
        let (name, value) = &item.field;
        let named = all.iter().position(|field| field.0 == name);
        let named = named.map_or(0, |at| at + 1);
        match item.form {
            Form::Entered => integer(named, 6, 0x40, block),
            Form::Never => integer(named, 4, 0x10, block),
            Form::Indexed | Form::Plain => integer(named, 4, 0x00, block),
        }
        if named == 0 {
            text(name, item.letters, block);
        }
        text(value, item.letters, block);
        if matches!(item.form, Form::Entered) {
            self.table.enter(name.clone(), value.clone());
        }
    }
}

fn text(text: &[u8], letters: Letters, block: &mut Vec<u8>) {
    let (text, flag) = match letters {
        Letters::Huffman => (huffman(text), 0x80),
        Letters::Plain => (text.to_vec(), 0x00),
    };
    integer(text.len(), 7, flag, block);
    block.extend(text);
}

fn integer(number: usize, prefix_bits: u32, flags: u8, block: &mut Vec<u8>) {
    let mask = (1 << prefix_bits) - 1;
    if number < mask {
        return block.push(flags | u8::try_from(number).unwrap());
    }
    block.push(flags | u8::try_from(mask).unwrap());
    let mut rest = number - mask;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128 + 128).unwrap());
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

fn lines(fields: &[Field]) -> String {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let lines = fields
        .iter()
        .map(|field| format!("{}: {}", text(&field.name), text(&field.value)));
    lines.collect::<Vec<_>>().join("\n")
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
