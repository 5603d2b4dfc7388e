using CsCheck;

namespace R1Grains.Engine.Tests;

public sealed class StopStringsTests
{
    [Fact]
    public void A_stop_string_across_pieces_is_found_and_nothing_of_it_is_released()
    {
        var stops = new StopStrings(["END", "停止"]);
        Assert.Equal(["a", "", "Eb", "", ""], new[] { "aE", "", "b停", "", "止E" }.Select(stops.Append));
        Assert.Equal("停止", stops.Matched);
        Assert.Equal("", stops.Append("x") + stops.Flush());
    }

    [Fact]
    public void What_was_held_back_is_released_at_the_end()
    {
        var stops = new StopStrings(["abc"]);
        Assert.Equal("x", stops.Append("xab"));
        Assert.Equal("ab", stops.Flush());
        Assert.Null(stops.Matched);
    }

    [Fact]
    public void Cuts_do_not_matter_and_released_text_is_the_text_before_the_match_that_ends_first()
    {
        var letters = Gen.Char["abc"];
        Gen.Select(Gen.String[letters, 0, 30], Gen.String[letters, 1, 4].Array[0, 3], Gen.Int[1, 5].Array[30])
            .Sample((text, stops, cuts) =>
            {
                var filter = new StopStrings(stops);
                var released = "";
                for (int at = 0, i = 0; at < text.Length; i++)
                {
                    var length = Math.Min(cuts[i], text.Length - at);
                    released += filter.Append(text.Substring(at, length));
                    Assert.StartsWith(released, text);
                    at += length;
                }
                released += filter.Flush();

                var ends = stops.Where(text.Contains).Select(stop => (End: text.IndexOf(stop, StringComparison.Ordinal) + stop.Length, stop.Length)).ToList();
                var expected = ends.Count == 0 ? text : text[..(ends.Min().End - ends.Where(e => e.End == ends.Min().End).Max(e => e.Length))];
                Assert.Equal(expected, released);
                Assert.Equal(ends.Count > 0, filter.Matched is not null);
            });
    }
}
