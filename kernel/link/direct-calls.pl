#!/usr/bin/perl
# Lets the linker turn calls and loads through the global offset table into direct ones.
#
# The compiler calls memcpy and its like as `call *memcpy@GOTPCREL(%rip)` and marks the place with the relocation that
# old linkers know. With the newer one (R_X86_64_GOTPCRELX, System V psABI for x86-64, section B.2) the linker relaxes it:
# no slot in a table that lies among the program's data, where the program could overwrite it.
use strict;
use warnings;

my ($GOTPCREL, $GOTPCRELX, $REX_GOTPCRELX, $SHT_RELA) = (9, 41, 42, 4);
my $path = shift or die "usage: direct-calls.pl object\n";
open(my $file, '+<:raw', $path) or die "$path: $!\n";
my $object = do { local $/; <$file> };
die "$path: not a 64-bit ELF object\n" unless substr($object, 0, 5) eq "\x7fELF\x02";

my $headers = unpack('Q<', substr($object, 40, 8));
my ($size, $count) = unpack('S<2', substr($object, 58, 4));
my $header = sub { unpack('L<2Q<4L<2Q<2', substr($object, $headers + $_[0] * $size, 64)) };
for my $i (0 .. $count - 1) {
    my (undef, $type, undef, undef, $offset, $length, undef, $target) = $header->($i);
    next unless $type == $SHT_RELA;
    my $base = ($header->($target))[4];
    for (my $at = $offset; $at < $offset + $length; $at += 24) {
        my ($place, $kind) = unpack('Q<L<', substr($object, $at, 12));
        next unless $kind == $GOTPCREL;
        my ($rex, $code, $operand) = unpack('C3', substr($object, $base + $place - 3, 3));
        # call and jmp through memory; with a REX prefix mov from memory
        if ($code == 0xff && ($operand == 0x15 || $operand == 0x25)) {
            substr($object, $at + 8, 4) = pack('L<', $GOTPCRELX);
        } elsif ($code == 0x8b && ($rex & 0xf8) == 0x48) {
            substr($object, $at + 8, 4) = pack('L<', $REX_GOTPCRELX);
        }
    }
}
seek($file, 0, 0) or die "$path: $!\n";
print $file $object;
close($file) or die "$path: $!\n";
