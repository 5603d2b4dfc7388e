using System.Text;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary>A part of a text in which words were found.</summary>
internal static class Excerpts
{
    private const string Cut = "…";

    public static string Plain(Excerpt? excerpt) => excerpt is null ? "" : $"{(excerpt.CutBefore ? Cut : "")}{excerpt.Text}{(excerpt.CutAfter ? Cut : "")}";

    /// <summary>With the words marked.</summary>
    public static string Marked(Excerpt excerpt)
    {
        var (marked, at) = (new StringBuilder(excerpt.CutBefore ? Cut : ""), 0);
        foreach (var word in excerpt.Words.Where(word => word.Start >= at && word.End <= excerpt.Text.Length))
        {
            marked.Append(Markup.Escape(excerpt.Text[at..word.Start])).Append("[bold yellow]").Append(Markup.Escape(excerpt.Text[word.Start..word.End])).Append("[/]");
            at = word.End;
        }
        return marked.Append(Markup.Escape(excerpt.Text[at..])).Append(excerpt.CutAfter ? Cut : "").Replace('\n', ' ').ToString();
    }
}
