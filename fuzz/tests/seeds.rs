//! The bodies of the targets, over known packets and everything one changed octet away from them.

const SEEDS: [&str; 8] = [
    "2105640100016ffa0a0000fe0000000000000000",
    "2105640101010a940a0000fe3132333400000000",
    "2101c801fe0330930a00001e0000000000000000fe1c010000000a00000a0000000019b30f74c7ba6486ced3151a50514b79",
    "3105640100645f970a0000fe",
    "31056401006475070a0000fe",
    "3105640200646c31fe800000000000000000000000000254fd00000a000000000000000000000254",
    "01005e00001200005e000105080045c0002000000000ff70d09a0a000001e00000123105640100645f970a0000fe",
    "33330000000100005e00020a86dd6c00000000403afffe80000000000000000000005e00020aff020000000000000000000000000001\
     86009e74400007080000000000000000010100005e00020a05010000000005dc\
     030440c0000151800000384000000000fd00000a000000000000000000000000",
];

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

#[test]
fn decode_vrrp() {
    for seed in SEEDS {
        let octets = hex(seed);
        for length in 0..=octets.len() {
            fhrp_fuzz::decode_vrrp(&octets[..length]);
        }
        for index in 0..octets.len() {
            for value in 0..=u8::MAX {
                let mut changed = octets.clone();
                changed[index] = value;
                fhrp_fuzz::decode_vrrp(&changed);
            }
        }
    }
}
