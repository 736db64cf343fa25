/** The field options that our dashboards set. An option that is not here is ignored, as Grafana ignores what it does not know. */
import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldConfigOptionsRegistry,
  identityOverrideProcessor,
  numberOverrideProcessor,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type FieldConfigPropertyItem,
} from '@grafana/data';

const item = (id: string, process: unknown): FieldConfigPropertyItem => {
  const isCustom = id.startsWith('custom.');
  return {
    id,
    path: isCustom ? id.slice('custom.'.length) : id,
    isCustom,
    name: id,
    process: process as FieldConfigPropertyItem['process'],
    shouldApply: () => true,
    settings: {},
    editor: () => null as never,
    override: () => null as never,
  };
};

export const FIELD_CONFIG = new FieldConfigOptionsRegistry(() => [
  item('displayName', displayNameOverrideProcessor),
  item('unit', unitOverrideProcessor),
  item('decimals', numberOverrideProcessor),
  item('min', numberOverrideProcessor),
  item('max', numberOverrideProcessor),
  item('noValue', stringOverrideProcessor),
  item('links', dataLinksOverrideProcessor),
  item('mappings', valueMappingsOverrideProcessor),
  item('thresholds', thresholdsOverrideProcessor),
  item('color', identityOverrideProcessor),
  item('custom.hidden', booleanOverrideProcessor),
  item('custom.hideFrom', identityOverrideProcessor),
  item('custom.wrapHeaderText', booleanOverrideProcessor),
  item('custom.lineInterpolation', identityOverrideProcessor),
  item('custom.filterable', booleanOverrideProcessor),
  item('custom.width', numberOverrideProcessor),
  item('custom.align', identityOverrideProcessor),
  item('custom.cellOptions', identityOverrideProcessor),
  item('custom.fillOpacity', numberOverrideProcessor),
  item('custom.drawStyle', identityOverrideProcessor),
  item('custom.lineWidth', numberOverrideProcessor),
  item('custom.lineStyle', identityOverrideProcessor),
  item('custom.showPoints', identityOverrideProcessor),
  item('custom.spanNulls', identityOverrideProcessor),
  item('custom.stacking', identityOverrideProcessor),
]);
