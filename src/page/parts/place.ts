/** Sets style by the object model: the policy of the page takes no style attributes. `<div ${place({height: '10px'})}>` */
import { type ElementPart, noChange } from 'lit-html';
import { Directive, directive, type PartInfo, PartType } from 'lit-html/directive.js';

class Place extends Directive {
  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error('place stands on an element');
  }

  override update(part: ElementPart, [properties]: [Readonly<Record<string, string>>]): typeof noChange {
    const { style } = part.element as HTMLElement;
    for (const [name, value] of Object.entries(properties)) {
      if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
    }
    return noChange;
  }

  render(_properties: Readonly<Record<string, string>>): typeof noChange {
    return noChange;
  }
}

export const place = directive(Place);
