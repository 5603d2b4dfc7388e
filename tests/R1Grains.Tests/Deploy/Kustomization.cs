using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace R1Grains.Tests.Deploy;

/// <summary>A <c>kustomization.yaml</c>, as far as this project uses the format; another field in it is refused.</summary>
internal sealed class Kustomization
{
    private static readonly IDeserializer Deserializer = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).WithDuplicateKeyChecking().Build();

    public string ApiVersion { get; init; } = "";

    public string Kind { get; init; } = "";

    public string? Namespace { get; init; }

    public List<string> Resources { get; init; } = [];

    public List<string> Components { get; init; } = [];

    public List<Patch> Patches { get; init; } = [];

    public List<Generator> ConfigMapGenerator { get; init; } = [];

    public List<Image> Images { get; init; } = [];

    public static Kustomization Read(string folder) => Deserializer.Deserialize<Kustomization>(File.ReadAllText(Path.Combine(folder, "kustomization.yaml")));

    public sealed class Patch
    {
        public string Path { get; init; } = "";
    }

    public sealed class Generator
    {
        public string Name { get; init; } = "";

        public string? Behavior { get; init; }

        public List<string> Envs { get; init; } = [];

        public List<string> Files { get; init; } = [];
    }

    public sealed class Image
    {
        public string Name { get; init; } = "";

        public string? NewName { get; init; }

        public string? NewTag { get; init; }
    }
}
