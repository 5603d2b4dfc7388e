using System.Globalization;
using System.Text;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Tests.Models;

public sealed class CanonicalFormTests
{
    [Fact]
    public void Form_C_equals_the_reference_for_every_character_and_for_random_sequences()
    {
        var runes = Enumerable.Range(0, 0x30000).Where(Rune.IsValid).Select(value => new Rune(value))
            .Where(rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.OtherNotAssigned).ToList();
        var marks = runes.Where(rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark).ToList();
        var texts = runes.ConvertAll(rune => $"{rune}");
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
            texts.Add(string.Concat(Enumerable.Range(0, random.Next(1, 7)).Select(_ => random.Next(3) switch
            {
                0 => runes[random.Next(0x600)].ToString(),
                1 => ((char)random.Next(0x300, 0x370)).ToString(),
                _ => marks[random.Next(marks.Count)].ToString(),
            })));
        for (var i = 0; i < 2_000; i++) texts.Add($"{(char)random.Next(0x1100, 0x1115)}{(char)random.Next(0x1160, 0x1178)}{(char)random.Next(0x11A6, 0x11C4)}{(char)random.Next(0xAC00, 0xAC40)}{(char)random.Next(0x11A6, 0x11C4)}");

        var reference = ReferenceTokenizers.Compose(texts);
        var here = texts.ConvertAll(CanonicalForm.Compose);
        var different = Enumerable.Range(0, texts.Count).Where(i => reference[i] != here[i]).ToList();
        Assert.True(different.Count == 0, $"{different.Count} differ, first: {string.Join(' ', texts[different.FirstOrDefault()].EnumerateRunes().Select(r => r.Value.ToString("X")))}");
    }
}
