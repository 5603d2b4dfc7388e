using R1Grains.Engine.Models;
using R1Grains.Tuning.Export;
using Served = R1Grains.Engine.Models.ModelFolder;

namespace R1Grains.Tuning.Tests.Export;

/// <summary>What is exported is what the engine takes.</summary>
public class ModelFolderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.6)]
    public void The_engine_samples_as_the_export_says(double temperature)
    {
        using var folder = new TemporaryFolder();
        using var model = SmallModel.Create();
        SmallModel.Export(model, Precision.Int8, folder.Path, temperature);

        Assert.Equal((float)temperature, Served.Open(folder.Path).Model.Defaults.Temperature);
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("tokenizer.json")]
    [InlineData("genai_config.json")]
    public void The_engine_refuses_a_file_that_was_changed_after_the_export(string name)
    {
        using var folder = new TemporaryFolder();
        using var model = SmallModel.Create();
        SmallModel.Export(model, Precision.Int8, folder.Path);
        File.AppendAllText(Path.Combine(folder.Path, name), " ");

        Assert.ThrowsAny<ModelFolderException>(() => Served.Open(folder.Path));
    }
}
