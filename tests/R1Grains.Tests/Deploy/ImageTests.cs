using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace R1Grains.Tests.Deploy;

/// <summary>No image is built here; what a build would trip over is in the files.</summary>
public sealed partial class ImageTests
{
    private const string Host = "src/R1Grains/R1Grains.csproj";

    private static readonly string[] Lines = [.. File.ReadLines(Repository.PathOf("deploy/Dockerfile")).Where(line => line.Length > 0 && line[0] != '#')];

    [Fact]
    public void Everything_that_the_host_is_made_of_is_copied()
    {
        string[] copied = [.. Lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..^1])];
        string[] allowed = [.. File.ReadLines(Repository.PathOf("deploy/Dockerfile.dockerignore")).Where(line => line.StartsWith('!')).Select(line => line[1..])];
        Assert.All(copied, path => Assert.True(Path.Exists(Repository.PathOf(path)), path));
        Assert.Equal(copied.Select(path => path.TrimEnd('/')).Order(), allowed.Order());

        var needed = Needed(Host).Concat(["global.json", "NuGet.config", "Directory.Build.props", "Directory.Packages.props", "BannedSymbols.txt"]);
        Assert.All(needed, path => Assert.Contains(copied, from => from == path || (from.EndsWith('/') && path.StartsWith(from, StringComparison.Ordinal))));
    }

    [Fact]
    public void It_starts_what_is_built_as_who_the_manifests_say()
    {
        var framework = XDocument.Parse(Repository.Read("Directory.Build.props")).Descendants("TargetFramework").Single().Value;
        Assert.All(
            Lines.Where(line => line.StartsWith("FROM mcr.microsoft.com/dotnet/", StringComparison.Ordinal)),
            line => Assert.Equal(framework, $"net{Version().Match(line).Groups[1].Value}"));
        Assert.Equal(["FROM source AS build-cpu", "FROM source AS build-gpu"], Lines.Where(line => line.StartsWith("FROM source", StringComparison.Ordinal)));
        var publishes = Lines.Where(line => line.StartsWith("RUN dotnet publish", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, publishes.Length);
        Assert.All(publishes, line => Assert.Contains($" {Host} ", line));
        Assert.All(publishes, line => Assert.EndsWith(" -o /app", line));
        Assert.Contains("-p:Gpu=true", Assert.Single(publishes, line => line.Contains("Gpu", StringComparison.Ordinal)));

        // Both, the CPU's last and so the one that is built if none is named.
        Assert.EndsWith(" AS cpu", Lines.Last(line => line.StartsWith("FROM ", StringComparison.Ordinal)));
        Assert.Equal(2, Lines.Count(line => line == $"ENTRYPOINT [\"/app/{Path.GetFileNameWithoutExtension(Host)}\"]"));
        Assert.Equal(2, Lines.Count(line => line == "USER 1654:1654"));
        Assert.Contains("runAsUser: 1654", Repository.Read("deploy/kubernetes/base/gateway.yaml"));
        Assert.Equal(2, Lines.Count(line => line == "EXPOSE 5080 11111"));
    }

    [Fact]
    public void The_host_knows_what_it_sets()
    {
        var set = Lines.Where(line => line.StartsWith("ENV ", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..]).Select(pair => pair.Split('=', 2)).ToArray();
        Assert.NotEmpty(set);
        // A bank's processes talk to nobody whom it did not name.
        Assert.Equal(2, set.Count(pair => pair is ["ORT_DISABLE_TELEMETRY", "1"]));
        Assert.Empty(HostSettings.Unknown(set.Select(pair => pair[0]).Where(name => name.StartsWith("R1__", StringComparison.Ordinal))));
        Assert.Null(HostSettings.Refusal(set.DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]), out _));
    }

    /// <summary>The projects that a project is built from, and the folders of the files that they take from elsewhere.</summary>
    private static IEnumerable<string> Needed(string project)
    {
        yield return project;
        var folder = Path.GetDirectoryName(project)!;
        var items = XDocument.Parse(Repository.Read(project)).Descendants("ItemGroup").Elements().ToArray();
        foreach (var path in items.Where(item => item.Name.LocalName is "Protobuf" or "Content" or "EmbeddedResource").Select(item => item.Attribute("Include")!.Value))
            yield return Resolve(folder, path.Split('*')[0]);
        foreach (var reference in items.Where(item => item.Name == "ProjectReference").Select(item => Resolve(folder, item.Attribute("Include")!.Value)))
            foreach (var path in Needed(reference))
                yield return path;
    }

    private static string Resolve(string folder, string path) =>
        Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, folder, path))) + (path.EndsWith('/') ? "/" : "");

    [GeneratedRegex(@":(\d+\.\d+)-")]
    private static partial Regex Version();
}
