namespace Tersor.Onnx.Tests;

public sealed class PluralTests
{
    [Theory]
    [InlineData(0, "0 samples"), InlineData(1, "1 sample"), InlineData(2, "2 samples")]
    public void One_is_one_and_all_else_are_several(long count, string words) => Assert.Equal(words, Plural.Of(count, "sample"));

    [Fact]
    public void Words_with_a_form_of_their_own_have_it()
    {
        Assert.Equal(["1 class", "2 classes"], [Plural.Of(1, "class", "classes"), Plural.Of(2, "class", "classes")]);
        Assert.Equal(["has", "have"], [Plural.Noun(1, "has", "have"), Plural.Noun(2, "has", "have")]);
    }
}
